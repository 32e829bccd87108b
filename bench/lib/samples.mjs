/** What was measured: numbers by name. */
export function quantile(numbers, q) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
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
    return quantile(this.values[name] ?? [], 0.5);
  }

  ratio(one, other) {
    const [a, b] = [this.median(one), this.median(other)];
    return a === undefined || b === undefined ? undefined : a / b;
  }
}
