/**
 * What a manager shows of itself to those who may send it signals: a file in memory, found among its descriptors
 * (proc_pid_fd(5)), which the kernel lets nobody else open. Workers have no descriptor of it.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { binding } from '../../base/binding';
import { check, preforkError } from '../../base/errors';
import { checkedShown, LONGEST, type Shown, VERSION } from './form';

export const SHOWN_FILE = 'prefork-manager';

/** The manager's end. */
export class ShownFile {
  readonly fd: number;
  #shown = '';
  #changes = 0;

  /** @param fd the file, if an earlier program of this process has made it */
  constructor(fd = check(binding.memory_file(`${SHOWN_FILE}:${VERSION}`, false), 'memfd_create')) {
    this.fd = fd;
  }

  /**
   * Between the same two numbers: a reader that finds others, or more, has read in the middle of a change. Written by
   * position, for all who have the file open share one.
   */
  show(shown: Shown): void {
    const text = JSON.stringify(shown);
    if (text === this.#shown) return;
    this.#shown = text;
    this.#changes += 1;
    const bytes = Buffer.from(`${this.#changes}\n${text}\n${this.#changes}\n`);
    writeSync(this.fd, bytes, 0, bytes.length, 0);
    ftruncateSync(this.fd, bytes.length);
  }

  /** Another descriptor of it, with which nothing can be changed; its user is to close it. */
  openForReading(): number {
    return openSync(`/proc/self/fd/${this.fd}`, 'r');
  }

  /** In a child. */
  letGo(): void {
    closeSync(this.fd);
  }
}

/**
 * What is in the file at the moment; undefined: it is just being changed.
 *
 * @throws Error `ERR_PREFORK_UNSUPPORTED`: it is nothing that a manager of this version shows
 */
export function readShown(fd: number): Shown | undefined {
  const buffer = Buffer.alloc(Math.min(fstatSync(fd).size, LONGEST));
  const text = buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, 0));
  const [before, json = '', after, ...rest] = text.split('\n');
  if (before === '' || before !== after || rest.join() !== '') return undefined;
  const shown = checkedShown(parsed(json));
  if (shown === undefined) {
    throw preforkError('ERR_PREFORK_UNSUPPORTED', 'The manager shows what this version does not understand');
  }
  return shown;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
