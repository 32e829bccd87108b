import { invalidValue } from '../base/arguments';

/** Python's names, in lower case. */
export type Level = 'debug' | 'info' | 'warning' | 'error' | 'critical';
/** Python's names of the levels, in lower or upper case, or its numbers (`logging.INFO` is 20). */
export type LogLevel = Level | Uppercase<Level> | number;

export const LEVEL_NUMBERS: Readonly<Record<Level, number>> = {
  debug: 10,
  info: 20,
  warning: 30,
  error: 40,
  critical: 50,
};

/** Python's aliases, and NOTSET, which shows everything. */
const ALIASES: Readonly<Record<string, number>> = { warn: 30, fatal: 50, notset: 0 };

/** The number of a level that was given by name or number. */
export function levelNumber(name: string, level: unknown): number {
  if (typeof level === 'number' && Number.isInteger(level)) return level;
  const lower = typeof level === 'string' ? level.toLowerCase() : '';
  const numbers: Readonly<Record<string, number>> = { ...LEVEL_NUMBERS, ...ALIASES };
  const number = Object.hasOwn(numbers, lower) ? numbers[lower] : undefined;
  if (number !== undefined) return number;
  throw invalidValue(`Expected one of ${Object.keys(LEVEL_NUMBERS).join(', ')} for ${name}`);
}
