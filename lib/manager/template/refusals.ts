/** From the start of a template to its first fork: what it waits for, and why it refuses. */
import {
  type ActiveThing,
  activeRequests,
  activeThings,
  formatActive,
  requestsInFlight,
} from '../../fork/active';
import { areStreamsWaiting } from './unwritten';

/** Connections: workers cannot share them, because bytes that one reads the others never see. */
export function unsharable(): ActiveThing[] {
  return activeThings().filter(({ kind, detail }) => kind === 'socket' && !detail.startsWith('UDP'));
}

export function listUnsharable(things: ActiveThing[]): string {
  return things.map((thing) => `\n  - ${formatActive(thing)}`).join('');
}

export function explainUnsharable(things: ActiveThing[]): string {
  const list = listUnsharable(things);
  return (
    'The application opened connections before its server listens, and all workers would share them:' +
    `${list}\nOpen them in each worker: in the hook afterFork, or once the server listens; or close them in the hook ` +
    'beforeFork. PREFORK_TRACE=1 in the environment shows where each was opened.'
  );
}

export function isBusy(): boolean {
  return requestsInFlight() > 0 || areStreamsWaiting();
}

export function explainBusy(): string {
  const list = activeRequests()
    .map((thing) => `\n  - ${formatActive(thing)}`)
    .join('');
  return (
    'The application cannot be forked: it always has requests in flight, which every worker would repeat:' +
    `${list}\nWait for them before the server listens.`
  );
}
