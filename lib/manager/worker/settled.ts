import { activeThings } from '../../fork/active';
import { acceptedConnections } from './traffic';

/** Of Node's names: what lets an application go on by itself, besides what is on the loop. */
const PENDING = ['Timeout', 'Immediate'];

/**
 * Whether nothing is under way in this worker that may yet have it listen: no timer, no request of its own, no connection
 * but those of its servers. An answer to a request may still do anything; that was never a reason to wait for it.
 */
export function isSettled(): boolean {
  if (process.getActiveResourcesInfo().some((name) => PENDING.includes(name))) return false;
  const things = activeThings().filter(({ kind, detail }) => kind !== 'server' && !detail.startsWith('UDP '));
  const accepted = acceptedConnections();
  return things.length <= accepted && things.every(({ kind }) => kind === 'socket' || kind === 'pipe');
}
