/** The last decision: nothing is decided after it. */
import type { Decision } from './decision';

export function end(decision: Decision, status: number): void {
  decision.set({ phase: 'ended', status });
  decision.actions.push({ type: 'end', status });
}
