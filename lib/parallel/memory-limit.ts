import { closeSync, fstatSync } from 'node:fs';
import { binding } from '../base/binding';
import { check } from '../base/errors';

export const MEGABYTE = 2 ** 20;

/** How much a child may grow, in megabytes, and whether it has grown by more. */
export class MemoryLimit {
  readonly megabytes: number;
  /** The child's last word, if it is killed for that. */
  readonly #note: number;

  constructor(megabytes: number) {
    this.megabytes = megabytes;
    this.#note = check(binding.memory_file('prefork-limit', false), 'memfd_create');
  }

  /** In the child, which leads its process group. */
  begin(): void {
    check(
      binding.memory_limit(this.megabytes * MEGABYTE, binding.process_getpid(), this.#note),
      'memory limit',
    );
  }

  /** In the parent, when the child has ended. */
  wasReached(): boolean {
    return fstatSync(this.#note).size > 0;
  }

  close(): void {
    closeSync(this.#note);
  }
}
