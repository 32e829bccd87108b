/** One worker more, one worker fewer. */

import type { Decision } from './decision';
import { addSlot } from './generations';
import { incumbent, removeSlot, staying } from './slots';
import { plural } from './words';

export function grow(decision: Decision): void {
  countResize(decision);
  const leaving = decision.state.slots.find((slot) => slot.leaving);
  if (leaving === undefined) addSlot(decision);
  else decision.change(leaving, { leaving: false });
  decision.log('info', 'worker_added', `SIGTTIN: ${plural(staying(decision.state).length, 'worker')}`);
}

export function shrink(decision: Decision): void {
  countResize(decision);
  const [last, ...others] = staying(decision.state).toReversed();
  if (last === undefined || others.length === 0) {
    decision.log('warning', 'worker_removed', 'SIGTTOU: the last worker stays');
    return;
  }
  const phase = incumbent(decision.state, last.id)?.phase;
  const isServed = phase === 'ready' || phase === 'booting';
  if (isServed || !decision.state.rules.balanced) removeSlot(decision, last);
  else decision.change(last, { leaving: true });
  decision.log('info', 'worker_removed', `SIGTTOU: ${plural(others.length, 'worker')}`);
}

/** Whoever has asked sees that it was heard, also when another one has asked for the opposite. */
function countResize(decision: Decision): void {
  decision.set({ resizes: decision.state.resizes + 1 });
}
