/** Workers that end before they are ready: if that is all that ever happened, it will not get better. */

import type { Decision } from './decision';
import type { State } from './state';

export function failedToBoot(decision: Decision, what: string): void {
  decision.set({ bootFailures: decision.state.bootFailures + 1, lastFailure: what });
}

/** It never worked, and not for want of trying. */
export function hasFailed({ everReady, bootFailures, rules }: State): boolean {
  return !everReady && bootFailures > rules.restart.burst;
}
