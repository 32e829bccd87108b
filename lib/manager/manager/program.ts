/** The program that a manager runs, as the paths with which it was started lead to it by now. */
import { accessSync, closeSync, constants, openSync, readSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ELF = Buffer.from('\x7fELF', 'latin1');

/** Of execve(2). */
export interface Program {
  path: string;
  args: string[];
}

/**
 * The same command line. Node is looked for as it was: by the path with which it was started, through links as they are now,
 * or by its name in PATH. So is what it runs, which Node has made an absolute path.
 */
export function programAsItIsNow(): Program {
  return {
    path: findNode(process.argv0, process.env['PATH'] ?? ''),
    args: [process.argv0, ...process.execArgv, ...process.argv.slice(1)],
  };
}

/** In PATH a script may stand for it, which chooses a Node and starts that: then the one that was chosen. */
function findNode(name: string, path: string): string {
  if (name.includes('/')) return resolve(name);
  const candidates = path.split(':').map((folder) => join(resolve(folder), name));
  return candidates.find(isProgram) ?? process.execPath;
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    const fd = openSync(file, 'r');
    const start = Buffer.alloc(ELF.length);
    readSync(fd, start, 0, start.length, 0);
    closeSync(fd);
    return start.equals(ELF);
  } catch {
    return false;
  }
}
