/** Shapes that a value from another process, or from another program, must have. */

export type Check = (value: unknown) => boolean;

const LONGEST_TEXT = 4096;
const MOST_ITEMS = 64;

export const isBoolean: Check = (value) => typeof value === 'boolean';
export const isText: Check = (value) => typeof value === 'string' && value.length <= LONGEST_TEXT;
export const isCount: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
export const isShare: Check = (value) => typeof value === 'number' && value >= 0 && value <= 1;
export const isAccount: Check = (value) => isText(value) || isCount(value);
export const isPort: Check = (value) => isCount(value) && Number(value) <= 65535;
export const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
export const orNothing =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
export const listOf =
  (check: Check, most = MOST_ITEMS): Check =>
  (value) =>
    Array.isArray(value) && value.length <= most && value.every(check);
/** Names, and what each stands for. */
export const isRecordOf =
  (check: Check, most = MOST_ITEMS): Check =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.keys(value).length <= most &&
    Object.values(value).every(check);
export const oneOf =
  (...values: unknown[]): Check =>
  (value) =>
    values.includes(value);

export function hasShape(value: unknown, shape: Record<string, Check>): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const fields = value as Record<string, unknown>;
  return (
    Object.keys(fields).every((name) => Object.hasOwn(shape, name)) &&
    Object.entries(shape).every(([name, check]) => check(fields[name]))
  );
}
