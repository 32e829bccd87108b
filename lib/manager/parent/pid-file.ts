import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { preforkError } from '../../base/errors';

/** @throws Error `ERR_PREFORK_BUSY`: the process that it names is alive; SystemError: it cannot be written */
export function writePidFile(file: string): void {
  const other = readPid(file);
  if (other !== undefined && other !== process.pid && isAlive(other)) {
    throw preforkError(
      'ERR_PREFORK_BUSY',
      `The pid file ${file} belongs to process ${other}, which is running: stop that one, or choose another file`,
    );
  }
  writeFileSync(file, `${process.pid}\n`);
}

/** If it is still this process's. */
export function removePidFile(file: string): void {
  if (readPid(file) !== process.pid) return;
  try {
    unlinkSync(file);
  } catch {
    // Gone meanwhile, or its directory is not ours to change any more.
  }
}

function readPid(file: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(file, 'latin1'), 10) || undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
