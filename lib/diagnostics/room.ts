/** Whether there is room for a heap snapshot: V8 builds all of it in memory, several times as large as the heap, before it writes. */
import { statfsSync } from 'node:fs';
import { preforkError } from '../base/errors';

/** Bytes per byte of the heap, with many small objects (measured on Node 20 and 24: 2.5 to 12 of memory, 1.1 to 1.9 in the file). */
const MEMORY = 13;
const FILE = 2;

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MB`;
}

function demand(what: string, needed: number, free: number, otherwise: string): void {
  if (free >= needed) return;
  throw preforkError(
    'ERR_PREFORK_NO_ROOM',
    `A snapshot of this heap may take ${megabytes(needed)} of ${what}, and ${megabytes(free)} are free. ` +
      `Make room, or ${otherwise}`,
  );
}

const OTHERWISE = 'pass { checkRoom: false }';

/** @throws Error `ERR_PREFORK_NO_ROOM`; SystemError of node:fs if there is no such folder */
export function requireRoom(folder: string): void {
  const { heapUsed } = process.memoryUsage();
  const { bavail, bsize } = statfsSync(folder);
  demand('memory', heapUsed * MEMORY, process.availableMemory(), OTHERWISE);
  demand(`the file system of ${folder}`, heapUsed * FILE, bavail * bsize, OTHERWISE);
}

/**
 * For a file in memory.
 *
 * @param otherwise what to do where that cannot be
 * @throws Error `ERR_PREFORK_NO_ROOM`
 */
export function requireMemory(otherwise: string): void {
  const { heapUsed } = process.memoryUsage();
  demand('memory', heapUsed * (MEMORY + FILE), process.availableMemory(), otherwise);
}
