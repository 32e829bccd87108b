import type { Caller } from './caller';
import type { Level } from './levels';

/** One line of the log before it has a form. */
export interface Entry {
  name: string;
  level: Level;
  levelno: number;
  /** The message with its arguments in it. */
  message: string;
  /** What was thrown, as text, to stand on lines of its own below the message. */
  stack: string | undefined;
  /** What was thrown. */
  error: unknown;
  time: Date;
  /** Looked for when somebody asks, since it takes a stack trace. */
  caller(): Caller;
}

/** What a function given to `setLogger` gets. */
export interface LogRecord {
  /** Of the logger: `tornado.general`. */
  name: string;
  /** Python's name of it, in lower case. */
  level: Level;
  /** Python's number of the level: 10, 20, 30, 40, 50. */
  levelno: number;
  /** The message with its arguments in it. */
  message: string;
  /** What was thrown, if something was. */
  error: unknown;
  /** When it was logged. */
  time: Date;
  /** The file that called, without folders and extension; for Tornado's own messages its module. */
  module: string;
  /** The line that called. */
  lineno: number;
  /** The whole path of the file that called. */
  pathname: string;
}

export function recordOf(entry: Entry): LogRecord {
  const { name, level, levelno, message, error, time } = entry;
  const { module, lineno, pathname } = entry.caller();
  return { name, level, levelno, message, error, time, module, lineno, pathname };
}

/** The message, and below it the stack. */
export function textOf({ message, stack }: Entry): string {
  return stack === undefined ? message : `${message}\n${stack}`;
}
