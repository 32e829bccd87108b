import { basename, extname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where a logger was called. */
export interface Caller {
  /** The file's name without its folders and its extension. */
  module: string;
  lineno: number;
  pathname: string;
  funcName: string;
}

/** `at name (file:line:column)` or `at file:line:column`; the file may be a URL, and have parentheses in its name. */
const FRAME = /^\s*at (?:([^/]*) \()?(?:async )?(.+?):(\d+):\d+\)?$/;

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

/** The logger's caller: the first frame outside this folder. */
export function findCaller(): Caller {
  for (const line of stackBelow(findCaller)) {
    const found = FRAME.exec(line);
    const [, name = '<module>', where = '', lineNumber = '0'] = found ?? [];
    if (found === null) continue;
    const pathname = where.startsWith('file:') ? fileURLToPath(where) : where;
    if (pathname.startsWith(__dirname)) continue;
    const funcName = name.startsWith('Object.<anonymous>') ? '<module>' : name.replace(/^(async|new) /, '');
    return { module: basename(pathname, extname(pathname)), lineno: Number(lineNumber), pathname, funcName };
  }
  return { module: 'unknown', lineno: 0, pathname: 'unknown', funcName: '<module>' };
}

/** `process:149`: a line of Tornado's. */
export function namedCaller(tornadoLine: string): Caller {
  const [module = '', line = '0'] = tornadoLine.split(':');
  return { module, lineno: Number(line), pathname: `${module}.py`, funcName: '<module>' };
}
