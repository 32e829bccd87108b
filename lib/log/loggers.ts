import { onePerProcess } from '../base/one-per-process';
import { type Caller, findCaller, namedCaller } from './caller';
import { bareLayout, type Layout } from './layouts';
import { LEVEL_NUMBERS, type Level } from './levels';
import { stackOf, surviving } from './logging-error';
import { type Output, stderrOutput } from './outputs';
import { FormatError, percent } from './percent';
import { type Entry, type LogRecord, recordOf, textOf } from './record';

/** What `setLogger` takes: pino, winston, console, three functions, or one that gets all there is to know. */
export type LogTarget = LogFunctions | ((record: LogRecord) => void);

/** Each gets the message, with the stack of what was thrown below it. */
export interface LogFunctions {
  /** Gets what Tornado logs as `debug`. Without it, `info` does. */
  debug?(message: string): void;
  /** Gets what Tornado logs as `info`. */
  info(message: string): void;
  /** Gets the warnings. */
  warn(message: string): void;
  /** Gets the errors. */
  error(message: string): void;
  /** Gets what Tornado logs as `critical`. Without it, `error` does. */
  fatal?(message: string): void;
}

/**
 * One of the three loggers. The arguments go into the message as Python's logging puts them there: `%s` `%d` `%r` `%.2f`
 * `%(name)s` and so on. An argument too many is reported on standard error, as in Python, and not lost. Only an Error may be
 * left over: its stack follows the message on lines of its own (Python's `exc_info=error`). Without arguments a `%` in the
 * message is a `%`.
 */
export interface Logger {
  /** As Python names it: `tornado.general`. */
  readonly name: string;
  /** Hidden until `basicConfig` or `enablePrettyLogging` shows this level. */
  debug(message: unknown, ...args: unknown[]): void;
  /** Hidden until `basicConfig` or `enablePrettyLogging` shows this level. */
  info(message: unknown, ...args: unknown[]): void;
  /** Shown from the start. */
  warning(message: unknown, ...args: unknown[]): void;
  /** `warning` by its other name. */
  warn(message: unknown, ...args: unknown[]): void;
  /** Shown from the start. */
  error(message: unknown, ...args: unknown[]): void;
  /** Shown from the start. */
  critical(message: unknown, ...args: unknown[]): void;
  /** As `error`; the last argument is what was thrown, of any type. JavaScript cannot ask for it, as Python does. */
  exception(message: unknown, ...args: unknown[]): void;
}

/** Python's root logger. Without a layout it is the handler of last resort. */
interface Root {
  level: number;
  layout: Layout | null;
  output: Output;
  target: LogTarget | null;
}

/** Children log as their parent does; nothing is buffered that they could write again. */
export const root: Root = onePerProcess('logging', () => ({
  level: LEVEL_NUMBERS.warning,
  layout: null,
  output: stderrOutput,
  target: null,
}));

function isShown(levelno: number): boolean {
  if (root.target !== null) return true;
  // Python's handler of last resort has a level of its own, WARNING.
  return levelno >= root.level && (root.layout !== null || levelno >= LEVEL_NUMBERS.warning);
}

function hand(target: LogTarget, entry: Entry): unknown {
  const text = textOf(entry);
  if (typeof target === 'function') return target(recordOf(entry));
  if (entry.level === 'debug' && typeof target.debug === 'function') return target.debug(text);
  if (entry.levelno <= LEVEL_NUMBERS.info) return target.info(text);
  if (entry.level === 'warning') return target.warn(text);
  if (entry.level === 'critical' && typeof target.fatal === 'function') return target.fatal(text);
  return target.error(text);
}

/** What it returns may be a promise, whatever the types say. */
function emit(entry: Entry): unknown {
  if (root.target !== null) return hand(root.target, entry);
  return root.output(`${(root.layout ?? bareLayout)(entry)}\n`);
}

function entryOf(
  name: string,
  level: Level,
  message: string,
  thrown: readonly unknown[],
  caller: () => Caller,
): Entry {
  const [error] = thrown;
  const stack = thrown.length === 0 ? undefined : stackOf(error);
  return {
    name,
    level,
    levelno: LEVEL_NUMBERS[level],
    message,
    stack,
    error,
    time: new Date(),
    caller,
  };
}

type Takes = 'an Error' | 'anything';

/** The message with its arguments in it, and what was thrown, if that was one of them. */
function fill(message: string, args: readonly unknown[], takes: Takes): { text: string; thrown: unknown[] } {
  const { text, left } = percent(message, args);
  if (left.length === 0) return { text, thrown: [] };
  if (left.length === 1 && isThrown(left[0], takes)) return { text, thrown: left };
  throw new FormatError('not all arguments converted during string formatting');
}

function isThrown(value: unknown, takes: Takes): boolean {
  return takes === 'anything' || value instanceof Error;
}

/** As in Python, a message without arguments stays as it is: `50% done`. What was thrown is none of its arguments. */
function fillOrTake(message: string, args: readonly unknown[], takes: Takes): ReturnType<typeof fill> {
  try {
    return fill(message, args, takes);
  } catch (error) {
    const isAboutNothingElse = args.length === 1 && isThrown(args[0], takes);
    if (!isAboutNothingElse || !(error instanceof FormatError)) throw error;
    return { text: message, thrown: [...args] };
  }
}

function messageOf(given: unknown, args: readonly unknown[], takes: Takes): ReturnType<typeof fill> {
  const message = typeof given === 'string' ? given : percent('%s', [given]).text;
  return args.length === 0 ? { text: message, thrown: [] } : fillOrTake(message, args, takes);
}

function log(name: string, level: Level, takes: Takes, given: unknown, args: readonly unknown[]): void {
  if (!isShown(LEVEL_NUMBERS[level])) return;
  surviving({ message: given, args, caller: findCaller }, () => {
    const { text, thrown } = messageOf(given, args, takes);
    return emit(entryOf(name, level, text, thrown, findCaller));
  });
}

/**
 * What Tornado itself logs, with the line at which 6.2 does, for filters that were made for it. `thrown` holds what was
 * thrown, if something was.
 */
export function logAsTornado(
  { name }: Logger,
  level: Level,
  message: string,
  line: string,
  thrown: readonly [] | readonly [unknown] = [],
): void {
  if (!isShown(LEVEL_NUMBERS[level])) return;
  const caller = () => namedCaller(line);
  surviving({ message, args: [], caller }, () => emit(entryOf(name, level, message, thrown, caller)));
}

export function makeLogger(name: string): Logger {
  const at =
    (level: Level, takes: Takes = 'an Error') =>
    (message: unknown, ...args: unknown[]) =>
      log(name, level, takes, message, args);
  const warning = at('warning');
  return {
    name,
    debug: at('debug'),
    info: at('info'),
    warning,
    warn: warning,
    error: at('error'),
    critical: at('critical'),
    exception: at('error', 'anything'),
  };
}
