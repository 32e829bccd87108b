import { constants } from 'node:os';
import { getSystemErrorMap, getSystemErrorName } from 'node:util';

/** An error of a system call, shaped like those of Node's own modules. */
export interface SystemError extends Error {
  /** Negative, as libuv has it. */
  errno: number;
  /** `'ECHILD'`, for example. */
  code: string;
  /** The call that failed. */
  syscall: string;
  /** The address that a socket could not be bound to. */
  address?: string;
  /** Its port. */
  port?: number;
}

/** Permanent codes of the errors this library makes itself; the messages may change. */
export type PreforkErrorCode =
  | 'ERR_PREFORK_BUSY'
  | 'ERR_PREFORK_TIMEOUT'
  | 'ERR_PREFORK_CHILD_KILLED'
  | 'ERR_PREFORK_CHILD_EXITED'
  | 'ERR_PREFORK_OUT_OF_MEMORY'
  | 'ERR_PREFORK_CLOSED'
  | 'ERR_PREFORK_UNSUPPORTED'
  | 'ERR_PREFORK_INVALID_STATE'
  | 'ERR_PREFORK_EMPTY'
  | 'ERR_PREFORK_FULL'
  | 'ERR_PREFORK_EOF'
  | 'ERR_PREFORK_BROKEN_BARRIER'
  | 'ERR_PREFORK_NO_ROOM'
  | 'ERR_PREFORK_UNSAFE_PATH'
  | 'ERR_PREFORK_INVALID_ARG_TYPE'
  | 'ERR_PREFORK_INVALID_ARG_VALUE'
  | 'ERR_PREFORK_OUT_OF_RANGE';

type ErrorConstructor = new (message: string, options?: ErrorOptions) => Error;

function coded<E extends Error>(error: E, code: string): E & { code: string } {
  return Object.assign(error, { code });
}

/** An error with a permanent code; `Base` is TypeError or RangeError if an argument is wrong. */
export function preforkError(
  code: PreforkErrorCode,
  message: string,
  { Base = Error, cause }: { Base?: ErrorConstructor; cause?: unknown } = {},
): Error & { code: string } {
  return coded(new Base(message, cause === undefined ? undefined : { cause }), code);
}

/** `getSystemErrorName` asks libuv, which knows only what its own calls return: ECHILD is not among them. */
function errorName(negativeErrno: number): string {
  const known = Object.entries(constants.errno).find(([, errno]) => errno === -negativeErrno);
  const name = getSystemErrorName(negativeErrno);
  return name.startsWith('Unknown') && known !== undefined ? known[0] : name;
}

/** Of those that can come from any call that opens something. */
const ADVICE: Partial<Record<string, string>> = {
  EMFILE: ': this process has as many open files as it may (ulimit -n)',
  ENFILE: ': this machine has as many open files as it may (fs.file-max)',
};

/**
 * The error of a system call that returned `-errno`.
 * The shape is that of Node's `uvException`: `bind EADDRINUSE 127.0.0.1:80`.
 */
export function systemError(
  negativeErrno: number,
  syscall: string,
  where: { address?: string; port?: number } = {},
): SystemError {
  const code = errorName(negativeErrno);
  const address =
    where.address === undefined ? '' : ` ${where.address}${where.port === undefined ? '' : `:${where.port}`}`;
  const error = new Error(`${syscall} ${code}${address}${ADVICE[code] ?? ''}`);
  return Object.assign(error, { errno: negativeErrno, code, syscall, ...where });
}

/** An error of getaddrinfo(3), shaped like those of `dns.lookup`. */
export interface ResolverError extends Error {
  /** libuv's number; 0 where it has none. */
  errno: number;
  /** `'ENOTFOUND'`, or an `EAI_` constant's name. */
  code: string;
  /** Always this one. */
  syscall: 'getaddrinfo';
  /** The name that was looked up, if any. */
  hostname?: string;
}

function libuvErrno(name: string): number {
  for (const [errno, [known]] of getSystemErrorMap()) if (known === name) return errno;
  return 0;
}

/**
 * The error of a getaddrinfo(3) that returned `name`, an `EAI_` constant.
 * As with `dns.lookup`, a name that does not exist is ENOTFOUND, and `errno` is libuv's number.
 */
export function resolverError(name: string, hostname: string | null): ResolverError {
  const code = name === 'EAI_NONAME' || name === 'EAI_NODATA' ? 'ENOTFOUND' : name;
  const syscall = 'getaddrinfo' as const;
  const error = new Error(`${syscall} ${code}${hostname === null ? '' : ` ${hostname}`}`);
  return Object.assign(error, {
    errno: libuvErrno(name),
    code,
    syscall,
    ...(hostname === null ? {} : { hostname }),
  });
}

/** Returns `value`, or throws the system error if it is negative: for natives that return `-errno`. */
export function check(value: number, syscall: string, where?: { address?: string; port?: number }): number {
  if (value < 0) throw systemError(value, syscall, where);
  return value;
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'string') return `'${value}' of type string`;
  if (typeof value === 'object') return `an instance of ${value.constructor?.name ?? 'Object'}`;
  return `${String(value)} of type ${typeof value}`;
}

/** `Expected X for name but received Y`, as a TypeError. */
export function invalidType(name: string, expected: string, received: unknown): Error {
  return preforkError(
    'ERR_PREFORK_INVALID_ARG_TYPE',
    `Expected ${expected} for ${name} but received ${describe(received)}`,
    { Base: TypeError },
  );
}

/** What Node's own modules throw when an AbortSignal aborts; its reason is the `cause`. */
export function abortError(signal: AbortSignal | undefined): Error & { code: string } {
  const error = new Error('The operation was aborted', { cause: signal?.reason });
  return coded(Object.assign(error, { name: 'AbortError' }), 'ABORT_ERR');
}
