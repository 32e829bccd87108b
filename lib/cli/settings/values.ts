/**
 * Readers of the values that people write. The same readers serve the command line and the environment, which know only text,
 * and configuration files, which also have numbers and booleans.
 */
import { isIP, isIPv6 } from 'node:net';
import { MAX_WORKERS } from '../../manager/scoreboard';
import type { Bind, LogFormat } from '../../manager/settings';

/** Thrown by a reader: what it expected. The caller knows for which option, and where. */
export class Unexpected extends Error {
  /** @param kind wrong type, out of range, or meaningless */
  constructor(
    readonly expected: string,
    readonly kind: 'type' | 'range' | 'value' = 'value',
  ) {
    super(expected);
  }
}

/** Turns a written value into a setting's value; throws `Unexpected`. */
export type Reader<T> = (written: unknown) => T;

const UNITS_OF_TIME: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const UNITS_OF_MEMORY: Record<string, number> = { B: 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** The longest timer that Node can set. */
const LONGEST = 2 ** 31 - 1;

/** Of a list, and of a text: what the manager hands over to another program has bounds. */
const MOST_ITEMS = 64;
const LONGEST_TEXT = 4096;

/** An integer from `min` to `max`, as a number or in decimal digits. */
export function integer(min: number, max: number): Reader<number> {
  const expected =
    max === Number.MAX_SAFE_INTEGER ? `an integer of ${min} or more` : `an integer from ${min} to ${max}`;
  return (written) => {
    const value = typeof written === 'string' && /^[+-]?\d+$/.test(written) ? Number(written) : written;
    if (typeof value !== 'number') throw new Unexpected(expected, typeOrValue(written));
    if (!Number.isInteger(value) || value < min || value > max) throw new Unexpected(expected, 'range');
    return value;
  };
}

/** Milliseconds: `500ms`, `30s`, `2m`, `1h`, a plain 0; in a file also a number of milliseconds. */
export function duration(min: number): Reader<number> {
  const expected =
    min > 0 ? 'a duration such as 500ms, 30s or 2m' : 'a duration such as 500ms, 30s or 2m, or 0';
  return (written) => {
    const value = written === '0' ? 0 : quantity(written, /^(\d+(?:\.\d+)?)(ms|s|m|h)$/, UNITS_OF_TIME);
    if (value === undefined) throw new Unexpected(expected, typeOrValue(written));
    if (!(value >= min && value <= LONGEST))
      throw new Unexpected(`${expected} of ${min} ms to 24 days`, 'range');
    return Math.round(value);
  };
}

/** The same, or 0. */
export function durationOrZero(min: number): Reader<number> {
  return (written) => {
    const value = duration(0)(written);
    if (value === 0 || value >= min) return value;
    throw new Unexpected(`0, or a duration of ${min} ms or more,`, 'range');
  };
}

/** Bytes: `512M`, `1.5G`, `64MiB`, powers of 1024; in a file also a number of bytes. */
export const size: Reader<number> = (written) => {
  const expected = 'a size such as 64K, 512M or 1.5G';
  const value = quantity(written, /^(\d+(?:\.\d+)?)([BKMGT])(?:i?B)?$/, UNITS_OF_MEMORY);
  if (value === undefined) throw new Unexpected(expected, typeOrValue(written));
  if (!(value >= 1 && value <= Number.MAX_SAFE_INTEGER)) throw new Unexpected(expected, 'range');
  return Math.round(value);
};

/** A share, 0 to 1: `0.1`, `10%`. */
export const fraction: Reader<number> = (written) => {
  const expected = 'a share from 0 to 1, or from 0% to 100%';
  const value = quantity(written, /^(\d*\.?\d+)(%?)$/, { '': 1, '%': 0.01 });
  if (value === undefined) throw new Unexpected(expected, typeOrValue(written));
  if (!(value >= 0 && value <= 1)) throw new Unexpected(expected, 'range');
  return value;
};

export const boolean: Reader<boolean> = (written) => {
  if (typeof written === 'boolean') return written;
  if (/^(1|true|yes|on)$/i.test(String(written))) return true;
  if (/^(0|false|no|off)$/i.test(String(written))) return false;
  throw new Unexpected('true or false', typeOrValue(written));
};

export const text: Reader<string> = (written) => {
  if (typeof written !== 'string') throw new Unexpected('a string', 'type');
  if (written === '' || written.includes('\0')) throw new Unexpected('a string that is not empty');
  if (written.length > LONGEST_TEXT)
    throw new Unexpected(`a string of at most ${LONGEST_TEXT} characters`, 'range');
  return written;
};

export function oneOf<T extends string>(...values: T[]): Reader<T> {
  return (written) => {
    const value = values.find((each) => each === written);
    if (value === undefined) throw new Unexpected(`one of ${values.join(', ')}`, typeOrValue(written));
    return value;
  };
}

/** Reads what `reader` does, or `none` (in a file null): no limit. */
export function orNone<T>(reader: Reader<T>): Reader<T | null> {
  return (written) => (written === null || written === 'none' ? null : reader(written));
}

export const preload: Reader<'auto' | 'yes' | 'no'> = oneOf('auto', 'yes', 'no');

export const sticky: Reader<'ip'> = (written) => {
  if (written === 'ip') return written;
  throw new Unexpected('ip or none', typeOrValue(written));
};

export const logFormat: Reader<LogFormat> = oneOf('plain', 'pretty', 'json');

export const logWorker: Reader<'prefix' | 'field'> = (written) => {
  if (written === 'prefix' || written === 'field') return written;
  throw new Unexpected('prefix, field or none', typeOrValue(written));
};

/** A number, or `auto`. */
export const workers: Reader<number | 'auto'> = (written) => {
  if (written === 'auto') return 'auto';
  try {
    return integer(1, MAX_WORKERS)(written);
  } catch (error) {
    throw error instanceof Unexpected ? new Unexpected(`${error.expected}, or auto,`, error.kind) : error;
  }
};

/** A name, or a number. */
export const account: Reader<string | number> = (written) => {
  const expected = 'a name or an id of 0 or more';
  if (typeof written === 'string' && /^[A-Za-z_][\w.-]*\$?$/.test(written)) return written;
  try {
    return integer(0, 2 ** 32 - 2)(written);
  } catch {
    throw new Unexpected(expected, typeOrValue(written));
  }
};

/** As packages have them. Digits alone would be a pid. */
export const name: Reader<string> = (written) => {
  const expected =
    'a name of letters, digits and @ . _ - / that is not a number and begins with none of . / -';
  if (typeof written !== 'string') throw new Unexpected(expected, 'type');
  if (!isName(written)) throw new Unexpected(expected);
  return written;
};

export function isName(text: string): boolean {
  return /^[@\w][\w.@/-]{0,213}$/.test(text) && !/^\d+$/.test(text);
}

/** A mode in octal: `022`, `0o022`; in a file also a number. */
function permissions(examples: string): Reader<number> {
  return (written) => {
    const value =
      typeof written === 'string' && /^(0o)?[0-7]{1,4}$/.test(written)
        ? Number.parseInt(written.replace('0o', ''), 8)
        : written;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 0o777) {
      throw new Unexpected(`a mode in octal, such as ${examples}`, typeOrValue(written));
    }
    return value;
  };
}

/** The bits that new files lack. */
export const umask = permissions('022 or 0o077');

/** The bits that a file has. */
export const mode = permissions('660 or 0o666');

/** `host:port`, `:port`, `port`, `[::1]:port`, `unix:path`, `fd:number`; a list of them, or one text with commas. */
export const bind: Reader<Bind[]> = (written) => {
  const list = Array.isArray(written) ? written : [written];
  const addresses = list.flatMap((each: unknown) => (typeof each === 'string' ? each.split(',') : [each]));
  if (addresses.length > MOST_ITEMS) throw new Unexpected(`at most ${MOST_ITEMS} addresses`, 'range');
  return addresses.map(oneAddress);
};

/** One address, of TCP in numbers or a path: the manager, which binds it, looks no name up. */
export const statusAddress: Reader<Bind> = (written) => {
  const [first, ...others] = bind(written);
  if (others.length === 0 && first?.kind === 'unix') return first;
  if (others.length === 0 && first?.kind === 'tcp' && (first.host === null || isIP(first.host) !== 0))
    return first;
  throw new Unexpected('one address, such as 127.0.0.1:9100 or unix:path');
};

/** `/`, `/search?q=a`: a list of them, or one text with commas. */
export const paths: Reader<string[]> = (written) => {
  const list = Array.isArray(written) ? written : [written];
  const all = list.flatMap((each: unknown) => {
    if (typeof each !== 'string') throw new Unexpected("paths that begin with '/'", 'type');
    const several = each.split(',').map((path) => path.trim());
    if (!several.every((path) => path.startsWith('/'))) throw new Unexpected("paths that begin with '/'");
    return several;
  });
  if (all.length > MOST_ITEMS || all.some((path) => path.length > LONGEST_TEXT))
    throw new Unexpected(`at most ${MOST_ITEMS} paths of at most ${LONGEST_TEXT} characters`, 'range');
  return all;
};

function oneAddress(written: unknown): Bind {
  const expected = 'host:port, :port, unix:path or fd:number';
  if (typeof written === 'number') return tcp(null, String(written), expected);
  if (typeof written !== 'string') throw new Unexpected(expected, 'type');
  const address = written.trim();
  const [, path] = /^unix:(.+)$/.exec(address) ?? [];
  if (path !== undefined) return { kind: 'unix', path: text(path) };
  const [, fd] = /^fd:(\d{1,9})$/.exec(address) ?? [];
  if (fd !== undefined) return { kind: 'fd', fd: Number(fd) };
  const [, name] = /^fd:([A-Za-z_][\w.-]*)$/.exec(address) ?? [];
  if (name !== undefined) return { kind: 'fd', fd: -1, name };
  const [, host = '', port] = /^(?:(.*):)?(\d+)$/.exec(address) ?? [];
  if (port === undefined) throw new Unexpected(expected);
  return tcp(hostOf(host, expected), port, expected);
}

/** IPv6 addresses need brackets, as in a URL: they show where the port begins. */
function hostOf(host: string, expected: string): string | null {
  const [, inBrackets] = /^\[(.+)\]$/.exec(host) ?? [];
  if (inBrackets !== undefined) {
    if (!isIPv6(inBrackets)) throw new Unexpected('an IPv6 address between the brackets');
    return inBrackets;
  }
  if (host.includes(':')) throw new Unexpected('brackets around an IPv6 address, as in [::1]:8888');
  if (/[\s/[\]]/.test(host)) throw new Unexpected(expected);
  return host === '' || host === '*' ? null : host;
}

function tcp(host: string | null, digits: string, expected: string): Bind {
  const port = Number(digits);
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new Unexpected(`${expected} with a port from 0 to 65535`, 'range');
  }
  return { kind: 'tcp', host, port };
}

/** A number with a unit; a plain number counts in the smallest unit. Undefined for anything else. */
function quantity(written: unknown, pattern: RegExp, units: Record<string, number>): number | undefined {
  if (typeof written === 'number') return written;
  if (typeof written !== 'string') return undefined;
  const [, digits, unit = ''] = pattern.exec(written.trim()) ?? [];
  return digits === undefined ? undefined : Number(digits) * (units[unit] ?? Number.NaN);
}

function typeOrValue(written: unknown): 'type' | 'value' {
  return typeof written === 'string' || typeof written === 'number' ? 'value' : 'type';
}
