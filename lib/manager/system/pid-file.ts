/**
 * The file that says which process to signal. Its lock says whether that process lives: the number may be another one's
 * by now, or be nonsense.
 */
import { closeSync, constants, fchmodSync, fstatSync, ftruncateSync, readSync, writeSync } from 'node:fs';
import { binding } from '../../base/binding';
import { check, preforkError, systemError } from '../../base/errors';
import { inDirectoryOf, isStill, openFile, removeIfStill } from './paths';

const { O_RDWR } = constants;
/** Answers of `path_lock`. */
const TAKEN = 0;
const HELD = 1;

/** Whatever the umask is. Until it is locked nobody but its owner can open it, and so lock it first. */
const MODE = 0o644;
const MODE_UNTIL_LOCKED = 0o600;

const ATTEMPTS = 10;

export interface HeldPidFile {
  fd: number;
  path: string;
}

export class PidFile {
  readonly #path: string;
  readonly #fd: number;

  /**
   * Takes the file, makes it if there is none, and writes this process's number. One that this process has taken before it
   * became another program stays as it is.
   *
   * @throws Error `ERR_PREFORK_BUSY`: a process that has taken it lives; `ERR_PREFORK_UNSAFE_PATH`; SystemError: it cannot
   *   be written
   */
  constructor(file: string | HeldPidFile) {
    if (typeof file !== 'string') {
      this.#fd = file.fd;
      this.#path = file.path;
      return;
    }
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const { fd, path } = openFile(file, { flags: O_RDWR, mode: MODE_UNTIL_LOCKED });
      if (isTaken(fd, path)) {
        this.#fd = fd;
        this.#path = path;
        this.#write();
        return;
      }
      closeSync(fd);
    }
    throw preforkError('ERR_PREFORK_BUSY', `Other processes keep making and removing the pid file ${file}`);
  }

  #write(): void {
    try {
      write(this.#fd);
    } catch (error) {
      // Its disk is full: half a number, or none, says nothing.
      this.remove();
      throw systemError((error as NodeJS.ErrnoException).errno ?? 0, 'write', { address: this.#path });
    }
  }

  /** What another program in this process needs, which then still holds the lock. */
  get held(): HeldPidFile {
    return { fd: this.#fd, path: this.#path };
  }

  /** Removes the file if it is still this process's, before the lock is released: nobody can have taken it yet. */
  remove(): void {
    try {
      removeIfStill(this.#path, fstatSync(this.#fd, { bigint: true }));
    } catch {
      // Its directory has gone, or is not ours to change any more. Without a lock the file obstructs nobody.
    }
    closeSync(this.#fd);
  }

  /** In a child, which would hold the lock when its parent is gone. */
  leave(): void {
    closeSync(this.#fd);
  }
}

/** False: try again. */
function isTaken(fd: number, path: string): boolean {
  try {
    const identity = fstatSync(fd, { bigint: true });
    const answer = check(binding.path_lock(fd), 'fcntl', { address: path });
    if (answer === HELD) throw busy(fd, path);
    // A process that may only read the file may lock it against writing: no claim, so it must not keep us from starting.
    if (answer !== TAKEN) removeIfStill(path, identity);
    // The process that had it may have removed it since it was opened.
    return answer === TAKEN && inDirectoryOf(path, (entry) => isStill(entry, identity));
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function busy(fd: number, path: string): Error {
  const pid = Number.parseInt(contentOf(fd), 10);
  const who = pid > 0 ? `process ${pid}, which is running` : 'a process that is just starting';
  return preforkError(
    'ERR_PREFORK_BUSY',
    `The pid file ${path} belongs to ${who}: stop that one, or choose another file`,
  );
}

function contentOf(fd: number): string {
  const buffer = Buffer.alloc(32);
  return buffer.toString('latin1', 0, readSync(fd, buffer, 0, buffer.length, 0));
}

/** In one piece, so that no reader finds half a number. */
function write(fd: number): void {
  const text = `${process.pid}\n`;
  fchmodSync(fd, MODE);
  writeSync(fd, text, 0);
  ftruncateSync(fd, text.length);
}
