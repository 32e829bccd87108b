/** Python's `%` operator on strings, for what JavaScript has: `'%s died, status %d' % (name, status)`. */
import { inspect } from 'node:util';

/** flags, width, precision and kind of one conversion (Python: "printf-style String Formatting"). */
const CONVERSION = /%(?:\(([^)]*)\))?([-#0 +]*)(\*|\d+)?(?:\.(\*|\d+)?)?[hlL]?([\s\S])?/g;
const HAS_PRECISION = /\.(\*|\d+)?[hlL]?[\s\S]?$/;

interface Conversion {
  flags: string;
  width: number;
  precision: number | undefined;
  kind: string;
}

/** Python's TypeError, ValueError or KeyError; the log shows it. */
export class FormatError extends Error {}

// --- str() and repr() ---

const ESCAPES: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}\p{Zs}]/u;

function escapeOf(character: string, ascii: boolean): string {
  const known = ESCAPES[character];
  if (known !== undefined) return known;
  const code = character.codePointAt(0) ?? 0;
  const plain = code >= 0x20 && code < 0x7f;
  if (plain || (!ascii && code > 0x7f && !UNPRINTABLE.test(character))) return character;
  const hex = code.toString(16);
  if (code <= 0xff) return `\\x${hex.padStart(2, '0')}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}

function reprOfString(text: string, ascii = false): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const inside = Array.from(text, (each) => (each === quote ? `\\${each}` : escapeOf(each, ascii)));
  return quote + inside.join('') + quote;
}

function reprOfNumber(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  if (Object.is(value, -0)) return '-0.0';
  // Whole numbers are Python's int. Of floats Python begins earlier to write an exponent, which has two digits.
  const isTiny = value !== 0 && Math.abs(value) < 1e-4;
  return twoDigitExponent(isTiny ? value.toExponential() : String(value));
}

/** Arrays, plain objects, maps and sets as list, dict and set. A value within itself is `...`, as in Python. */
function reprOfContainer(value: object, within: readonly object[]): string | undefined {
  const inner = (each: unknown): string => repr(each, [...within, value]);
  const pair = ([key, each]: [unknown, unknown]) => `${inner(key)}: ${inner(each)}`;
  if (Array.isArray(value)) return within.includes(value) ? '[...]' : `[${value.map(inner).join(', ')}]`;
  if (value instanceof Set) return value.size === 0 ? 'set()' : `{${[...value].map(inner).join(', ')}}`;
  const isPlain = [Object.prototype, null].includes(Object.getPrototypeOf(value));
  if (!isPlain && !(value instanceof Map)) return undefined;
  if (within.includes(value)) return '{...}';
  const entries: [unknown, unknown][] = value instanceof Map ? [...value] : Object.entries(value);
  return `{${entries.map(pair).join(', ')}}`;
}

function reprOfBytes(value: Uint8Array): string {
  const text = Buffer.from(value).toString('latin1');
  return `b${reprOfString(text, true)}`;
}

function repr(value: unknown, within: readonly object[] = []): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return reprOfString(value);
  if (typeof value === 'number') return reprOfNumber(value);
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Error) return `${value.name}(${reprOfString(value.message)})`;
  if (value instanceof Uint8Array) return reprOfBytes(value);
  return (typeof value === 'object' ? reprOfContainer(value, within) : undefined) ?? inspect(value);
}

/** A class that says what its objects are as text: URL, Date and whatever the program has. */
function hasTextOfItsOwn(value: object): boolean {
  const own: unknown = value.toString;
  return typeof own === 'function' && own !== Object.prototype.toString && typeof value !== 'function';
}

function str(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Error) return value.message;
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return repr(value);
  return reprOfContainer(value, []) ?? (hasTextOfItsOwn(value) ? String(value) : inspect(value));
}

// --- Numbers ---

function toNumber(value: unknown, kind: string): number | bigint {
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  if (typeof value === 'boolean') return Number(value);
  if (/[efg]/i.test(kind)) throw new FormatError(`must be real number, not ${typeOf(value)}`);
  const expected = 'xXoc'.includes(kind) ? 'an integer is required' : 'a real number is required';
  throw new FormatError(`%${kind} format: ${expected}, not ${typeOf(value)}`);
}

function typeOf(value: unknown): string {
  if (value === null || value === undefined) return 'NoneType';
  if (typeof value === 'string') return 'str';
  return Array.isArray(value) ? 'list' : 'dict';
}

function toInteger(value: unknown, kind: string): bigint {
  const number = toNumber(value, kind);
  if (typeof number === 'bigint') return number;
  if (!Number.isFinite(number)) {
    throw new FormatError(`cannot convert float ${Number.isNaN(number) ? 'NaN' : 'infinity'} to integer`);
  }
  if ('xXo'.includes(kind) && !Number.isInteger(number)) {
    throw new FormatError(`%${kind} format: an integer is required, not float`);
  }
  return BigInt(Math.trunc(number));
}

function withSign(negative: boolean, digits: string, flags: string): string {
  const sign = negative ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
  return sign + digits;
}

const RADIX: Record<string, [radix: number, prefix: string]> = { x: [16, '0x'], X: [16, '0X'], o: [8, '0o'] };

function formatInteger(value: unknown, { flags, precision = 0, kind }: Conversion): string {
  const integer = toInteger(value, kind);
  const [radix, prefix] = RADIX[kind] ?? [10, ''];
  const absolute = integer < 0n ? -integer : integer;
  const digits = absolute.toString(radix).padStart(precision, '0');
  const text = (flags.includes('#') ? prefix : '') + (kind === 'X' ? digits.toUpperCase() : digits);
  return withSign(integer < 0n, text, flags);
}

const FRACTION_BITS = 52n;

/** `numerator / 2 ** bits` as a whole number, halves to the even one. */
function roundedShift(numerator: bigint, bits: bigint): bigint {
  if (bits <= 0n) return numerator << -bits;
  const whole = numerator >> bits;
  const rest = numerator - (whole << bits);
  const half = 1n << (bits - 1n);
  return rest > half || (rest === half && (whole & 1n) === 1n) ? whole + 1n : whole;
}

/** `toFixed`, but as C does it: halves to even, and digits beyond 1e21. `value` is finite and not negative. */
function fixed(value: number, precision: number): string {
  const bits = new BigUint64Array(new Float64Array([value]).buffer)[0] ?? 0n;
  const exponent = bits >> FRACTION_BITS;
  const fraction = bits & ((1n << FRACTION_BITS) - 1n);
  const mantissa = exponent === 0n ? fraction : fraction | (1n << FRACTION_BITS);
  const scale = 1075n - (exponent === 0n ? 1n : exponent);
  const digits = String(roundedShift(mantissa * 10n ** BigInt(precision), scale)).padStart(
    precision + 1,
    '0',
  );
  const point = digits.length - precision;
  return precision === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`;
}

function twoDigitExponent(text: string): string {
  return text.replace(/e([+-])(\d)$/, 'e$10$2');
}

/** C's %g: the shorter of %e and %f, without zeros at the end. */
function general(value: number, precision: number, keepZeros: boolean): string {
  const digits = precision === 0 ? 1 : precision;
  const exponent = value === 0 ? 0 : Number(value.toExponential(digits - 1).split('e')[1]);
  const isShort = exponent >= -4 && exponent < digits;
  const text = isShort ? value.toFixed(digits - 1 - exponent) : value.toExponential(digits - 1);
  return twoDigitExponent(
    keepZeros ? text : text.replace(/\.?0+(?=e|$)/, isShort && !text.includes('.') ? '$&' : ''),
  );
}

function formatFloat(value: unknown, { flags, precision = 6, kind }: Conversion): string {
  const number = Number(toNumber(value, kind));
  const absolute = Math.abs(number);
  const lower = kind.toLowerCase();
  let digits: string;
  if (!Number.isFinite(number)) digits = Number.isNaN(number) ? 'nan' : 'inf';
  else if (lower === 'f') digits = fixed(absolute, precision);
  else if (lower === 'e') digits = twoDigitExponent(absolute.toExponential(Math.min(precision, 100)));
  else digits = general(absolute, Math.min(precision, 100), flags.includes('#'));
  const negative = number < 0 || Object.is(number, -0);
  return withSign(negative, kind === lower ? digits : digits.toUpperCase(), flags);
}

function formatCharacter(value: unknown): string {
  if (typeof value === 'string' && [...value].length === 1) return value;
  if (typeof value !== 'number' && typeof value !== 'bigint')
    throw new FormatError('%c requires int or char');
  return String.fromCodePoint(Number(value));
}

// --- One conversion, and all of them ---

function cut(text: string, precision: number | undefined): string {
  return precision === undefined ? text : Array.from(text).slice(0, precision).join('');
}

function convert(value: unknown, conversion: Conversion): string {
  const { kind, precision } = conversion;
  if (kind === 's') return cut(str(value), precision);
  if (kind === 'r') return cut(repr(value), precision);
  if (kind === 'a') return cut(Array.from(repr(value), (each) => escapeNonAscii(each)).join(''), precision);
  if ('diu'.includes(kind)) return formatInteger(value, { ...conversion, kind: 'd' });
  if ('xXo'.includes(kind)) return formatInteger(value, conversion);
  if ('eEfFgG'.includes(kind)) return formatFloat(value, conversion);
  return formatCharacter(value);
}

function escapeNonAscii(character: string): string {
  return (character.codePointAt(0) ?? 0) > 0x7e ? escapeOf(character, true) : character;
}

function pad(text: string, { flags, width, kind }: Conversion): string {
  const missing = width - Array.from(text).length;
  if (missing <= 0) return text;
  if (flags.includes('-')) return text + ' '.repeat(missing);
  const takesZeros = flags.includes('0') && !'srac'.includes(kind) && !/nan|inf/i.test(text);
  if (!takesZeros) return ' '.repeat(missing) + text;
  const [, sign = '', digits = ''] = /^([-+ ]?(?:0[xXo])?)([\s\S]*)$/.exec(text) ?? [];
  return sign + '0'.repeat(missing) + digits;
}

/** Hands out the arguments one by one, or by name. */
class Arguments {
  private next = 0;
  private named = false;
  constructor(private readonly list: readonly unknown[]) {}

  take(): unknown {
    if (this.next >= this.list.length) throw new FormatError('not enough arguments for format string');
    return this.list[this.next++];
  }

  takeInteger(): number {
    const value = this.take();
    if (typeof value !== 'number' || !Number.isInteger(value)) throw new FormatError('* wants int');
    return value;
  }

  byName(name: string): unknown {
    this.named = true;
    const [mapping] = this.list;
    if (this.list.length !== 1 || typeof mapping !== 'object' || mapping === null) {
      throw new FormatError('format requires a mapping');
    }
    if (mapping instanceof Map ? mapping.has(name) : Object.hasOwn(mapping, name)) {
      return mapping instanceof Map ? mapping.get(name) : Reflect.get(mapping, name);
    }
    throw new FormatError(`KeyError: ${reprOfString(name)}`);
  }

  left(): unknown[] {
    return this.named ? [] : this.list.slice(this.next);
  }
}

function number(text: string | undefined, values: Arguments): number | undefined {
  if (text === undefined) return undefined;
  return text === '*' ? values.takeInteger() : Number(text);
}

function replace(match: RegExpMatchArray, values: Arguments): string {
  const [whole, name, flags = '', width, precision, kind] = match;
  if (kind === undefined) throw new FormatError('incomplete format');
  if (kind === '%') return '%';
  if (!'srdiuxXoeEfFgGca'.includes(kind)) {
    const code = (kind.codePointAt(0) ?? 0).toString(16);
    throw new FormatError(
      `unsupported format character '${kind}' (0x${code}) at index ${(match.index ?? 0) + whole.length - 1}`,
    );
  }
  const wide = number(width, values) ?? 0;
  const exact = number(precision, values) ?? (HAS_PRECISION.test(whole) ? 0 : undefined);
  const value = name === undefined ? values.take() : values.byName(name);
  const conversion = { flags: wide < 0 ? `${flags}-` : flags, width: Math.abs(wide), precision: exact, kind };
  return pad(convert(value, conversion), conversion);
}

/** `format % values`, and the values that no conversion has taken: one more is an error in Python. */
export function percent(format: string, values: readonly unknown[]): { text: string; left: unknown[] } {
  const supply = new Arguments(values);
  let text = '';
  let end = 0;
  for (const match of format.matchAll(CONVERSION)) {
    text += format.slice(end, match.index) + replace(match, supply);
    end = (match.index ?? 0) + match[0].length;
  }
  return { text: text + format.slice(end), left: supply.left() };
}

/** As Python shows a tuple. */
export function tuple(values: readonly unknown[]): string {
  const list = values.map((each) => repr(each)).join(', ');
  return values.length === 1 ? `(${list},)` : `(${list})`;
}

export { repr };
