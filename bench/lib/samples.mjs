/** All samples: numbers by name. */
export function quantile(numbers, q) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}

/** Of an even number the mean of the middle two: with two turns neither of them wins. */
export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1] + sorted[Math.floor(middle)]) / 2;
}

export class Samples {
  constructor(values = {}) {
    this.values = values;
  }

  note(name, numbers) {
    this.values[name] = [...(this.values[name] ?? []), ...[numbers].flat()];
  }

  /** Undefined where nothing was measured, as is any ratio of it. */
  median(name) {
    const numbers = this.values[name] ?? [];
    return numbers.length === 0 ? undefined : median(numbers);
  }

  ratio(one, other) {
    const [a, b] = [this.median(one), this.median(other)];
    return a === undefined || b === undefined ? undefined : a / b;
  }
}

export const QUANTILES = { median: 0.5, p90: 0.9, p99: 0.99 };
