/** Commands on a manager that runs: `prefork reload`, `status` and so on. */
import { print, writeToStderr } from '../../base/blocking-write';
import { ROOM_OR_NOT } from '../../manager/questions';
import type { Order } from '../settings/orders';
import { reopenLogs } from './logs-reopen';
import { record } from './record';
import { reload } from './reload';
import { scale } from './scale';
import { stack } from './stack';
import { status } from './status';
import { stop } from './stop';
import { findManager } from './target';
import { top } from './top';
import { Waiting } from './waiting';

/** Does it, says what has come of it, and answers the status to end with: 0, or 1 and why. */
export async function carryOut(order: Order): Promise<number> {
  try {
    const waiting = new Waiting(findManager(order.target), order.timeout);
    const answer = await answerTo(order, waiting);
    if (answer !== '') print(`${answer}\n`);
    return 0;
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    const isSaid = code === undefined || message.includes(code);
    writeToStderr(`prefork: ${message}${isSaid ? '' : ` (${code})`}\n`);
    return 1;
  }
}

function answerTo(order: Order, waiting: Waiting): Promise<string> {
  switch (order.command) {
    case 'reload':
      return reload(waiting);
    case 'status':
      return status(waiting, order.json);
    case 'top':
      return top(waiting, order.interval);
    case 'stop':
      return stop(waiting, order.now);
    case 'scale':
      return scale(waiting, order.change);
    case 'logs-reopen':
      return reopenLogs(waiting);
    case 'stack':
      return stack(waiting, order);
    case 'profile':
      return record(waiting, { ...order, kind: 'profile', argument: order.seconds * 1000 });
    case 'snapshot':
      return record(waiting, { ...order, kind: 'snapshot', argument: order.checksRoom ? 0 : ROOM_OR_NOT });
  }
}
