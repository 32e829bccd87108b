import { basename } from 'node:path';
import { threadId } from 'node:worker_threads';
import { invalidValue } from '../base/arguments';
import type { Level } from './levels';
import { FormatError, percent } from './percent';
import { type Entry, textOf } from './record';
import { strftime } from './strftime';

/** How a line of the log looks. */
export type Layout = (entry: Entry) => string;

/** Python's, of the handler of last resort: nothing is configured. */
export const bareLayout: Layout = textOf;

/** The colours of tornado.log.LogFormatter.DEFAULT_COLORS, as xterm's terminfo writes them. */
const COLOR: Readonly<Record<Level, string>> = {
  debug: '\x1b[34m',
  info: '\x1b[32m',
  warning: '\x1b[33m',
  error: '\x1b[31m',
  critical: '\x1b[35m',
};
const NORMAL = '\x1b(B\x1b[m';

/** tornado.log.LogFormatter.format: continuation lines are indented by four. */
export function prettyLayout(color: boolean): Layout {
  return (entry) => {
    const { module, lineno } = entry.caller();
    const letter = entry.level.charAt(0).toUpperCase();
    const prefix = `[${letter} ${strftime('%y%m%d %H:%M:%S', entry.time)} ${module}:${lineno}]`;
    const colored = color ? `${COLOR[entry.level]}${prefix}${NORMAL}` : prefix;
    return `${colored} ${textOf(entry)}`.replaceAll('\n', '\n    ');
  };
}

/** When this process began to log, for `%(relativeCreated)d`. A forked child goes on counting from its parent's. */
const START = Date.now();

function asctime(time: Date, datefmt: string | undefined): string {
  if (datefmt !== undefined && datefmt !== '') return strftime(datefmt, time);
  return `${strftime('%Y-%m-%d %H:%M:%S', time)},${String(time.getMilliseconds()).padStart(3, '0')}`;
}

/** Python's "LogRecord attributes". */
const ATTRIBUTES: Readonly<Record<string, (entry: Entry, datefmt: string | undefined) => unknown>> = {
  name: ({ name }) => name,
  levelname: ({ level }) => level.toUpperCase(),
  levelno: ({ levelno }) => levelno,
  message: ({ message }) => message,
  asctime: ({ time }, datefmt) => asctime(time, datefmt),
  created: ({ time }) => time.getTime() / 1000,
  msecs: ({ time }) => time.getMilliseconds(),
  relativeCreated: ({ time }) => time.getTime() - START,
  module: (entry) => entry.caller().module,
  lineno: (entry) => entry.caller().lineno,
  pathname: (entry) => entry.caller().pathname,
  filename: (entry) => basename(entry.caller().pathname),
  funcName: (entry) => entry.caller().funcName,
  process: () => process.pid,
  processName: () => 'MainProcess',
  thread: () => threadId,
  threadName: () => (threadId === 0 ? 'MainThread' : `Thread-${threadId}`),
};

/** Only the attributes that a format asks for: some take a stack trace. */
function attributesIn(format: string): string[] {
  const names = [...format.matchAll(/%\(([^)]*)\)/g)].map(([, name = '']) => name);
  const unknown = names.find((name) => !Object.hasOwn(ATTRIBUTES, name));
  if (unknown !== undefined) {
    throw invalidValue(
      `Expected only ${Object.keys(ATTRIBUTES).join(', ')} in format but received ${unknown}`,
    );
  }
  if (names.length === 0) throw invalidValue(`Expected %(message)s in format but received '${format}'`);
  return names;
}

/** Python's `logging.Formatter(format, datefmt)`. */
export function percentLayout(format: string, datefmt: string | undefined): Layout {
  const names = attributesIn(format);
  const layout: Layout = (entry) => {
    const values = Object.fromEntries(names.map((name) => [name, ATTRIBUTES[name]?.(entry, datefmt)]));
    const line = percent(format, [values]).text;
    return entry.stack === undefined ? line : `${line}\n${entry.stack}`;
  };
  tryLayout(layout, format);
  return layout;
}

/** Now, and not at the first line that is logged. */
function tryLayout(layout: Layout, format: string): void {
  const caller = () => ({ module: '', lineno: 0, pathname: '', funcName: '' });
  const common = { name: '', message: '', stack: undefined, error: undefined, time: new Date(), caller };
  try {
    layout({ ...common, level: 'info', levelno: 20 });
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw invalidValue(`Expected a format but received '${format}': ${error.message}`);
  }
}
