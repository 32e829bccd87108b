import { writeFileSync } from 'node:fs';

/** A child that takes a snapshot is larger than its parent before it is done, and has to go first when memory runs out. */
export function beFirstToGo(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '1000');
  } catch {
    // /proc is read-only, as in some containers: then the kernel chooses by size.
  }
}
