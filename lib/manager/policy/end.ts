/** The last decision: nothing is decided after it. */
import type { Turn } from './turn';

export function end(turn: Turn, status: number): void {
  turn.set({ phase: 'ended', status });
  turn.actions.push({ type: 'end', status });
}
