import { invalidValue } from './arguments';

/** `ssl_options`, `sslOptions` and `SSLOptions` are one to a reader. */
function bare(name: string): string {
  return name.replaceAll(/[_-]/g, '').toLowerCase();
}

/** How many letters to change, add or leave out to get from one to the other (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const swap = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}

/** The known name that somebody has probably meant. */
function meant(name: string, known: readonly string[]): string | undefined {
  const same = known.find((each) => bare(each) === bare(name));
  if (same !== undefined) return same;
  const [nearest] = known
    .map((each) => ({ each, far: distance(bare(name), bare(each)) }))
    .filter(({ each, far }) => far <= Math.min(2, each.length / 3))
    .sort((one, other) => one.far - other.far);
  return nearest?.each;
}

function isPythons(name: string): boolean {
  return /^[a-z0-9]+(_[a-z0-9]+)+$/.test(name);
}

function camelCase(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function unknownOption(holder: string, name: string, known: readonly string[]): Error {
  const right = meant(name, known) ?? (isPythons(name) ? camelCase(name) : undefined);
  if (right !== undefined && right !== name) {
    return invalidValue(`Expected ${right} in ${holder} but received ${name}`);
  }
  const list = known.length === 0 ? 'no options' : `only ${known.join(', ')}`;
  return invalidValue(`Expected ${list} in ${holder} but received ${name}`);
}

/**
 * Throws if an options object has an option that nobody would look at: of a wrong spelling, Python's above all, which would
 * go unnoticed and leave the default in force.
 */
export function knownOptions(holder: string, options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw unknownOption(holder, name, known);
  }
}

/** The same where Node gets what is not ours: refused is Python's spelling, and another spelling of ours. */
export function wellSpelledOptions(holder: string, options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const other = known.find((each) => bare(each) === bare(name));
    if (other !== undefined || isPythons(name)) throw unknownOption(holder, name, known);
  }
}
