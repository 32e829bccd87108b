/** A file that appears when it is whole, and replaces none unless that is wanted. */
import { closeSync, lstatSync, openSync, readFileSync, renameSync, rmSync, type Stats } from 'node:fs';
import { writeAll } from '../../base/blocking-write';
import { preforkError } from '../../base/errors';
import { printable } from '../../base/printable';

/** Whoever can read a snapshot can read every string of the program. */
const MODE = 0o600;

export class NewFile {
  readonly path: string;
  readonly #partial: string;
  readonly #fd: number;
  /** The name is taken by an empty file of our own. */
  readonly #isReserved: boolean;
  #isOver = false;
  bytes = 0;

  /**
   * @param replaces a file of that name, if there is one
   * @throws Error `ERR_PREFORK_INVALID_ARG_VALUE`: there is one; SystemError of node:fs
   */
  constructor(path: string, replaces: boolean) {
    const existing = lstatSync(path, { throwIfNoEntry: false });
    if (existing !== undefined) requireReplaceable(path, existing, replaces);
    this.path = path;
    this.#partial = `${path}.${process.pid}.partial`;
    this.#fd = openSync(this.#partial, 'wx+', MODE);
    this.#isReserved = existing === undefined;
    if (existing === undefined) this.#reserve();
  }

  /** So that nobody else's is replaced that comes meanwhile. */
  #reserve(): void {
    try {
      closeSync(openSync(this.path, 'wx', MODE));
    } catch (error) {
      this.#close();
      throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? exists(this.path) : error;
    }
  }

  write(bytes: Buffer): void {
    writeAll(this.#fd, bytes);
    this.bytes += bytes.length;
  }

  content(): Buffer {
    return readFileSync(this.#partial);
  }

  finish(): void {
    renameSync(this.#partial, this.path);
    this.#isOver = true;
    closeSync(this.#fd);
  }

  discard(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#close();
    if (this.#isReserved) rmSync(this.path, { force: true });
  }

  #close(): void {
    closeSync(this.#fd);
    rmSync(this.#partial, { force: true });
  }
}

function requireReplaceable(path: string, existing: Stats, replaces: boolean): void {
  if (!replaces) throw exists(path);
  if (existing.isFile()) return;
  throw preforkError('ERR_PREFORK_INVALID_ARG_VALUE', `${printable(path)} is no file, and is not replaced`);
}

function exists(path: string): Error {
  return preforkError('ERR_PREFORK_INVALID_ARG_VALUE', `${printable(path)} exists: replace it with --force`);
}
