/** Workers that end before they are ready: if that is all that ever happened, it will not get better. */
import type { State } from './state';
import type { Turn } from './turn';

export function failedToBoot(turn: Turn, what: string): void {
  turn.set({ bootFailures: turn.state.bootFailures + 1, lastFailure: what });
}

/** It never worked, and not for want of trying. */
export function hasFailed({ everReady, bootFailures, rules }: State): boolean {
  return !everReady && bootFailures > rules.restart.burst;
}
