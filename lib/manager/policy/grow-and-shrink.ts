/** One worker more, one worker fewer. */
import { addSlot } from './generations';
import { incumbent, removeSlot, staying } from './slots';
import type { Turn } from './turn';
import { plural } from './words';

export function grow(turn: Turn): void {
  const leaving = turn.state.slots.find((slot) => slot.leaving);
  if (leaving === undefined) addSlot(turn);
  else turn.change(leaving, { leaving: false });
  turn.log('info', 'worker_added', `SIGTTIN: ${plural(staying(turn.state).length, 'worker')}`);
}

export function shrink(turn: Turn): void {
  const [last, ...others] = staying(turn.state).toReversed();
  if (last === undefined || others.length === 0) {
    turn.log('warning', 'worker_removed', 'SIGTTOU: the last worker stays');
    return;
  }
  const phase = incumbent(turn.state, last.id)?.phase;
  const isServed = phase === 'ready' || phase === 'booting';
  if (isServed || !turn.state.rules.balanced) removeSlot(turn, last);
  else turn.change(last, { leaving: true });
  turn.log('info', 'worker_removed', `SIGTTOU: ${plural(others.length, 'worker')}`);
}
