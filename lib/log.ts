/**
 * Tornado's `tornado.log`: three loggers, and what stands behind them.
 *
 * Until something is configured, they behave as Python's logging does: warnings and errors go to standard error, the
 * bare message, and everything below is hidden. Every line is written with one blocking call before the logger
 * returns, so that no fork can double it, and no `process.exit()` lose it.
 * @module
 */
import { boolean, given, invalidValue, string } from './base/arguments';
import { invalidType } from './base/errors';
import { knownOptions } from './base/option-names';
import { stderrSupportsColor } from './base/terminal';
import { percentLayout, prettyLayout } from './log/layouts';
import { type LogLevel, levelNumber } from './log/levels';
import { type LogTarget, root } from './log/loggers';
import { fileOutput, type LogStream, type Output, stderrOutput, streamOutput } from './log/outputs';

export type { LogLevel } from './log/levels';
export type { LogFunctions, Logger, LogTarget } from './log/loggers';
export type { LogStream } from './log/outputs';
export type { LogRecord } from './log/record';
export { accessLog, appLog, genLog } from './log/tornado-loggers';

/** What Python's `logging.basicConfig` takes. */
export interface BasicConfigOptions {
  /** The lowest level shown; `'warning'` if nothing else was set before. */
  level?: LogLevel | null;
  /** Python's, with `%(asctime)s`, `%(levelname)s`, `%(message)s` and so on. Default: `%(levelname)s:%(name)s:%(message)s`. */
  format?: string | null;
  /** Of `%(asctime)s`, as `time.strftime` has it. Default: `2024-01-31 12:00:00,123`. */
  datefmt?: string | null;
  /** A file to write to instead of standard error. Children that are forked share it. */
  filename?: string | null;
  /** How to open it, as `fs.openSync` has it. Default: `'a'`, append. */
  filemode?: string | null;
  /** Where to write instead of standard error. */
  stream?: LogStream | null;
  /** Replace an existing configuration. */
  force?: boolean | null;
}

const BASIC_FORMAT = '%(levelname)s:%(name)s:%(message)s';
const BASIC_OPTIONS = ['level', 'format', 'datefmt', 'filename', 'filemode', 'stream', 'force'] as const;

/** Where lines go if `basicConfig` is told nothing else. */
function outputOf({
  filename,
  filemode,
  stream,
}: {
  filename?: string;
  filemode?: string;
  stream?: LogStream;
}): Output {
  if (filename !== undefined && stream !== undefined) {
    throw invalidValue('Expected stream or filename but received both');
  }
  if (filename !== undefined) {
    return fileOutput(string('filename', filename), string('filemode', filemode ?? 'a'));
  }
  return stream === undefined ? stderrOutput : streamOutput(stream);
}

/**
 * Python's `logging.basicConfig`: from now on lines read `WARNING:tornado.general:child 0 …`, on standard error, or as the
 * options say. As in Python it does nothing if logging has been configured already, unless `force` is given; and a line that
 * cannot be written (a full disk, a closed stream) is reported on standard error as `--- Logging error ---`.
 *
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, `ERR_PREFORK_INVALID_ARG_VALUE`: an unknown level, format or option; or
 *   both `filename` and `stream`
 * @throws SystemError open `ENOENT`, `EACCES` and so on, of `filename`
 */
export function basicConfig(options: BasicConfigOptions = {}): void {
  const chosen = given('options', options);
  knownOptions('options', chosen, BASIC_OPTIONS);
  const { level, format = BASIC_FORMAT, datefmt, force = false } = chosen;
  const levelno = level === undefined ? root.level : levelNumber('level', level);
  const layout = percentLayout(
    string('format', format),
    datefmt === undefined ? undefined : string('datefmt', datefmt),
  );
  if (root.layout !== null && !boolean('force', force)) return;
  const output = outputOf(chosen);
  Object.assign(root, { level: levelno, layout, output });
}

/**
 * Tornado's `enable_pretty_logging`: from now on lines read `[W 240131 12:00:00 process:157] child 0 …`, in local
 * time, with the letter of the level first, and its prefix in colour if standard error is a terminal.
 * As in Tornado, a format that is configured already stays, and only the level changes.
 *
 * @param options.logging the lowest level shown, `'info'` by default; `'none'` leaves everything as it is
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, `ERR_PREFORK_INVALID_ARG_VALUE`
 */
export function enablePrettyLogging(options: { logging?: LogLevel | 'none' | null } = {}): void {
  const chosen = given('options', options);
  knownOptions('options', chosen, ['logging']);
  const { logging = 'info' } = chosen;
  if (logging === 'none') return;
  root.level = levelNumber('logging', logging);
  root.layout ??= prettyLayout(stderrSupportsColor());
}

/**
 * Sends everything to `logger` instead, whatever its level: it decides what to show. A function gets a record with the
 * logger's name, the level, the message, the calling line and what was thrown. The functions of an object, such as pino,
 * winston or console, get the message, and below it the stack of what was thrown.
 *
 * A logger that writes later, from a thread or a buffer, may double or lose lines around a fork: let it write
 * synchronously (`pino.destination({ sync: true })`). What it throws or rejects with is reported on standard error, and not
 * to who logs. `null` restores what was there before.
 *
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`
 */
export function setLogger(logger: LogTarget | null): void {
  if (logger !== null && typeof logger !== 'function') checkTarget(logger);
  root.target = logger;
}

function checkTarget(logger: unknown): void {
  for (const name of ['info', 'warn', 'error'] as const) {
    if (typeof Reflect.get(Object(logger), name) === 'function') continue;
    throw invalidType(
      'logger',
      'a function, an object with the functions info, warn and error, or null',
      logger,
    );
  }
}
