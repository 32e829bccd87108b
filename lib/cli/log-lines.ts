/**
 * Writes the log of the process manager to standard error, in the wanted format.
 *
 * It needs no logging package: the manager's event loop never turns, so each line must be one write, and none may be left to
 * the loop when a process forks or ends.
 */
import { stripVTControlCharacters } from 'node:util';
import { stderrSupportsColor } from '../base/terminal';
import type { LogEntry } from '../manager/log-events';
import type { Log, LogFormat } from '../manager/settings';
import { writeLogLine } from '../manager/system/log-writer';

type Level = LogEntry['level'];

const COLOR: Record<Level, string> = { info: '\x1b[32m', warning: '\x1b[33m', error: '\x1b[31m' };
const NORMAL = '\x1b[0m';

export function makeLog(format: LogFormat): Log {
  const line = { plain, pretty: stderrSupportsColor() ? pretty : uncolored, json }[format];
  const lineOf = (entry: LogEntry) => `${line(entry, new Date())}\n`;
  return (entry) => writeLogLine(lineOf(entry), (lost) => lineOf(linesLost(lost)));
}

function linesLost(count: number): LogEntry {
  return {
    level: 'warning',
    event: 'log_lines_lost',
    message: `${count} line${count === 1 ? '' : 's'} of this log are lost: nobody has read it for a while`,
  };
}

/** `2026-11-22T08:15:00.123Z prefork[4711] warning: worker 0 (pid 4712) …` */
function plain({ level, message }: LogEntry, now: Date): string {
  return `${now.toISOString()} prefork[${process.pid}] ${level}: ${message}`;
}

/** For a terminal: `08:15:00 prefork  worker 0 …`, in local time, coloured by level. */
function pretty({ level, message }: LogEntry, now: Date): string {
  const time = now.toTimeString().slice(0, 8);
  return `${COLOR[level]}${time} prefork${NORMAL}  ${message}`.replaceAll('\n', '\n    ');
}

function uncolored(entry: LogEntry, now: Date): string {
  return stripVTControlCharacters(pretty(entry, now));
}

/** `worker` and `pid` identify the worker in question, where the event has them. */
function json({ level, event, message, ...fields }: LogEntry, now: Date): string {
  return JSON.stringify({ time: now.toISOString(), level, event, message, ...fields });
}
