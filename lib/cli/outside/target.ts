/** Which manager a command means: by pid, pid file or name, or the only one that there is. */

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { preforkError } from '../../base/errors';
import { printable } from '../../base/printable';
import { managerPids, SeenManager } from '../../manager/shown/seen-manager';

const { O_NONBLOCK, O_RDONLY } = constants;

/** Bytes; a pid file is no longer. */
const LONGEST = 32;

/**
 * A number is a pid, and what names a file is a pid file, before it is a name.
 *
 * @throws Error `ERR_PREFORK_INVALID_ARG_VALUE`: there is none, or more than one; and what SeenManager throws
 */
export function findManager(target: string | undefined): SeenManager {
  if (target === undefined) return onlyOne();
  if (/^\d+$/.test(target)) return managerOf(target, target);
  const content = contentOf(target);
  return content === undefined ? managerCalled(target) : managerOf(content.trim(), target);
}

function managerOf(digits: string, target: string): SeenManager {
  const pid = /^\d{1,10}$/.test(digits) ? Number(digits) : 0;
  if (pid > 0 && pid < 2 ** 31) return new SeenManager(pid);
  throw refusal(`Expected a pid, a file with one, or a name but received ${printable(target)}`);
}

/** Undefined: there is no such file. */
function contentOf(path: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, O_RDONLY | O_NONBLOCK); // a pipe would wait for somebody who writes
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') return undefined;
    throw error;
  }
  try {
    if (fstatSync(fd).isDirectory()) return undefined;
    const bytes = Buffer.alloc(LONGEST);
    return bytes.toString('latin1', 0, readSync(fd, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(fd);
  }
}

function managerCalled(name: string): SeenManager {
  const running = allManagers();
  const [found, ...others] = running.filter((each) => each.name === name);
  if (found === undefined) {
    throw refusal(`There is no pid file ${printable(name)}, and no manager of that name. ${listed(running)}`);
  }
  if (others.length > 0) {
    throw refusal(
      `${others.length + 1} managers are called ${printable(name)}: say which by its pid. ${listed([found, ...others])}`,
    );
  }
  return new SeenManager(found.pid);
}

function onlyOne(): SeenManager {
  const running = allManagers();
  const [found, ...others] = running;
  if (found === undefined) throw refusal(`No manager runs that this user may look into. ${listed([])}`);
  if (others.length > 0) {
    throw refusal(`${running.length} managers run: say which, by pid, pid file or name. ${listed(running)}`);
  }
  return new SeenManager(found.pid);
}

interface Running {
  pid: number;
  name: string | null;
  path: string | null;
}

/** Those of this version; all of them for root. */
function allManagers(): Running[] {
  return managerPids().flatMap((pid) => {
    try {
      const manager = new SeenManager(pid);
      const shown = manager.look();
      manager.close();
      return { pid, name: shown?.name ?? null, path: shown?.application?.path ?? null };
    } catch {
      return []; // gone meanwhile, or of another version
    }
  });
}

function listed(running: readonly Running[]): string {
  if (running.length === 0) return 'Those of other users are seen by root';
  const lines = running.map(({ pid, name, path }) =>
    printable(`${pid} ${name ?? '(loading)'}${path === null ? '' : ` ${path}`}`),
  );
  return `Running: ${lines.join(', ')}`;
}

function refusal(message: string): Error {
  return preforkError('ERR_PREFORK_INVALID_ARG_VALUE', message);
}
