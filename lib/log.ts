/**
 * Tornado's `tornado.log`: three loggers, and what stands behind them.
 *
 * Until something is configured, they behave as Python's logging does: warnings and errors go to standard error, the
 * bare message, and everything below is hidden. Every line is written with one blocking call before the logger
 * returns, so that no fork can double it, and no `process.exit()` lose it.
 * @module
 */
import { basename, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { invalidValue } from './base/arguments';
import { writeToStderr } from './base/blocking-write';
import { invalidType } from './base/errors';
import { stderrSupportsColor } from './base/terminal';

/** Python's names of the levels, in lower or upper case. */
export type LogLevel = Level | Uppercase<Level>;
type Level = 'debug' | 'info' | 'warning' | 'error' | 'critical';

/** What `setLogger` takes: pino, winston, console, or three functions. */
export interface LogTarget {
  /** Gets what Tornado logs as `info`. */
  info(message: string): void;
  /** Gets the warnings. */
  warn(message: string): void;
  /** Gets the errors, with the stack of their cause. */
  error(message: string): void;
}

/** One of the three loggers. `place` is Python's `module:line`; without it, it is that of the caller. */
export interface Logger {
  /** As Python names it: `tornado.general`. */
  readonly name: string;
  /** Hidden until `basicConfig` or `enablePrettyLogging` shows this level. */
  info(message: string, place?: string): void;
  /** Shown from the start. */
  warn(message: string, place?: string): void;
  /** `cause`'s stack follows the message, on lines of its own, as `exc_info=True` does it in Python. */
  error(message: string, cause?: unknown, place?: string): void;
}

interface LogRecord {
  name: string;
  level: Level;
  /** The message, and the stack below it if there is one. */
  text: string;
  place: string | undefined;
}

const RANK: Record<Level, number> = { debug: 10, info: 20, warning: 30, error: 40, critical: 50 };

/** The colours of tornado.log.LogFormatter.DEFAULT_COLORS, as xterm's terminfo writes them. */
const COLOR: Record<Level, string> = {
  debug: '\x1b[34m',
  info: '\x1b[32m',
  warning: '\x1b[33m',
  error: '\x1b[31m',
  critical: '\x1b[35m',
};
const NORMAL = '\x1b(B\x1b[m';

type Format = (record: LogRecord) => string;

// Python's root logger: its level, and its handler's format. No handler: the handler of last resort. Children log as
// their parent does; nothing is buffered that they could write again.
let rootLevel: Level = 'warning';
let rootFormat: Format | null = null;
let target: LogTarget | null = null;

/** Where Tornado and this port report what they do: `fork_processes`, TLS errors, malformed requests. */
export const genLog: Logger = makeLogger('tornado.general');
/** Where errors of the application end up: exceptions out of `handleStream`. */
export const appLog: Logger = makeLogger('tornado.application');
/** Nothing here writes to it: Tornado's own web framework does. It is there for a port of `log_request`. */
export const accessLog: Logger = makeLogger('tornado.access');

/**
 * Python's `logging.basicConfig`: from now on lines read `WARNING:tornado.general:child 0 …`, to standard error.
 * As in Python it does nothing if logging has been configured already, unless `force` is given.
 *
 * @param options.level the lowest level shown; `'warning'` if nothing else was set before
 */
export function basicConfig(options: { level?: LogLevel; force?: boolean } = {}): void {
  if (rootFormat !== null && options.force !== true) return;
  rootFormat = basicFormat;
  if (options.level !== undefined) rootLevel = parseLevel('level', options.level);
}

/**
 * Tornado's `enable_pretty_logging`: from now on lines read `[W 240131 12:00:00 process:157] child 0 …`, in local
 * time, with the letter of the level first, and its prefix in colour if standard error is a terminal.
 * As in Tornado, a format that is configured already stays, and only the level changes.
 *
 * @param options.logging the lowest level shown, `'info'` by default; `'none'` leaves everything as it is
 */
export function enablePrettyLogging(options: { logging?: LogLevel | 'none' } = {}): void {
  const { logging = 'info' } = options;
  if (logging === 'none') return;
  rootLevel = parseLevel('logging', logging);
  rootFormat ??= prettyFormat(stderrSupportsColor());
}

/**
 * Sends everything to `logger` instead, whatever its level: it decides what to show.
 * A logger that writes later, from a thread or a buffer, may double or lose lines around a fork: let it write
 * synchronously (`pino.destination({ sync: true })`). `null` goes back to what was there before.
 *
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`
 */
export function setLogger(logger: LogTarget | null): void {
  if (logger !== null) checkTarget(logger);
  target = logger;
}

function checkTarget(logger: unknown): void {
  for (const name of ['info', 'warn', 'error'] as const) {
    if (typeof (logger as Partial<LogTarget> | undefined)?.[name] === 'function') continue;
    throw invalidType('logger', 'an object with the functions info, warn and error, or null', logger);
  }
}

function makeLogger(name: string): Logger {
  return {
    name,
    info: (message, place) => emit({ name, level: 'info', text: message, place }),
    warn: (message, place) => emit({ name, level: 'warning', text: message, place }),
    error: (message, cause, place) =>
      emit({
        name,
        level: 'error',
        text: cause === undefined ? message : `${message}\n${stackOf(cause)}`,
        place,
      }),
  };
}

function emit(record: LogRecord): void {
  if (target !== null) {
    hand(target, record);
    return;
  }
  if (RANK[record.level] < RANK[rootLevel]) return;
  // Python's handler of last resort has a level of its own, WARNING.
  if (rootFormat === null && RANK[record.level] < RANK.warning) return;
  writeToStderr(`${(rootFormat ?? bareFormat)(record)}\n`);
}

function hand(logger: LogTarget, { level, text }: LogRecord): void {
  if (level === 'info' || level === 'debug') logger.info(text);
  else if (level === 'warning') logger.warn(text);
  else logger.error(text);
}

const bareFormat: Format = ({ text }) => text;

const basicFormat: Format = ({ level, name, text }) => `${level.toUpperCase()}:${name}:${text}`;

/** tornado.log.LogFormatter.format: continuation lines are indented by four. */
function prettyFormat(color: boolean): Format {
  return ({ level, text, place }) => {
    const letter = level.charAt(0).toUpperCase();
    const prefix = `[${letter} ${timestamp(new Date())} ${place ?? callerPlace()}]`;
    const colored = color ? `${COLOR[level]}${prefix}${NORMAL}` : prefix;
    return `${colored} ${text}`.replaceAll('\n', '\n    ');
  };
}

/** `%y%m%d %H:%M:%S`, local time. */
function timestamp(date: Date): string {
  const two = (value: number) => String(value % 100).padStart(2, '0');
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()].map(two).join('');
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  return `${day} ${time}`;
}

/** `at name (file:line:column)` or `at file:line:column`; the file may be a URL, and have parentheses in its name. */
const FRAME = /^\s*at (?:[^/]* \()?(?:async )?(.+?):(\d+):\d+\)?$/;

/** As Node writes it, whatever the program has made of `Error.prepareStackTrace`. */
function stackBelow(caller: () => unknown): string[] {
  const { prepareStackTrace } = Error;
  Reflect.set(Error, 'prepareStackTrace', undefined);
  try {
    const holder: { stack?: string } = {};
    Error.captureStackTrace(holder, caller);
    return (holder.stack ?? '').split('\n').slice(1);
  } finally {
    Reflect.set(Error, 'prepareStackTrace', prepareStackTrace);
  }
}

/** `module:line` of whoever called the logger, as Python's `%(module)s:%(lineno)d`. */
function callerPlace(): string {
  for (const line of stackBelow(callerPlace)) {
    const found = FRAME.exec(line);
    const [, where = '', lineNumber = '0'] = found ?? [];
    if (found === null || where.endsWith(__filename)) continue;
    const file = where.startsWith('file:') ? fileURLToPath(where) : where;
    return `${basename(file, extname(file))}:${lineNumber}`;
  }
  return 'unknown:0';
}

/** With what else it holds: its own cause, as Python shows it, its code and the like. */
function stackOf(cause: unknown): string {
  return typeof cause === 'object' ? inspect(cause) : String(cause);
}

function parseLevel(name: string, level: unknown): Level {
  const lower = typeof level === 'string' ? level.toLowerCase() : '';
  if (Object.hasOwn(RANK, lower)) return lower as Level;
  throw invalidValue(`Expected one of ${Object.keys(RANK).join(', ')} for ${name}`);
}
