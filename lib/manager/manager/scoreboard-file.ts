import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { binding } from '../../base/binding';
import { check } from '../../base/errors';

const { EEXIST } = constants.errno;

/** The memory in which workers say how they are, as a file, so that another program in this process finds it again. */
export class ScoreboardFile {
  /** null: a module that was loaded before has made the memory, which is no file then. */
  readonly fd: number | null;

  /** @param fd the file, if an earlier program of this process has made it */
  constructor(fd = check(binding.memory_file('prefork-scoreboard', true), 'memfd_create')) {
    const result = binding.shared_memory_file(fd);
    this.fd = result === -EEXIST ? null : fd;
    if (result === -EEXIST) closeSync(fd);
    else check(result, 'mmap');
  }

  /** In a child, which has the memory. */
  letGo(): void {
    if (this.fd !== null) closeSync(this.fd);
  }
}
