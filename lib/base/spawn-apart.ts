import { binding } from './binding';
import { check } from './errors';

/**
 * Starts a program of the package's own by node:child_process: outside this process's group from its first moment, so that
 * no signal which is meant for the group ends it while it starts.
 */
export function spawnApart<T>(spawn: () => T): T {
  check(binding.process_spawn_apart(true), 'pthread_atfork');
  try {
    return spawn();
  } finally {
    binding.process_spawn_apart(false);
  }
}
