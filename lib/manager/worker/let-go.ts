/** A worker stops accepting connections without its servers noticing: they are the application's to close. */
import type { Server } from 'node:net';
import { binding } from '../../base/binding';
import { monotonic, setImmediate, setTimeout } from '../../base/timers';
import { ownedSockets } from '../../sockets/server-handle';
import { type Handle, StandIn } from '../listening/stand-in';
import { handshakes, portsOf } from './handshakes';

/** A lost packet of a handshake is sent again after a second; longer than that and a bit only liars take. */
const HANDSHAKE_LIMIT = 3000;
const LOOK_INTERVAL = 20;

interface Listening {
  _handle: Handle | null;
}

/** For the server nothing changes, but that nobody connects any more. */
export function letGo(server: Server): void {
  const { _handle: handle } = server as unknown as Listening;
  if (handle === null || handle instanceof StandIn) return;
  const name = {};
  const isNamed = handle.getsockname?.(name) === 0;
  const stand = new StandIn(isNamed ? name : undefined, handle.hasRef?.() !== false);
  Object.assign(server, { _handle: stand });
  handle.close();
}

/**
 * The sockets accept nobody new (`socket_refuse`). An earlier client is either in the queue, and is accepted as the loop
 * turns, or about to be: a socket closed meanwhile would answer the last packet of its handshake with a reset.
 */
export async function emptyQueues(descriptors: readonly number[]): Promise<void> {
  const ports = portsOf(descriptors);
  const giveUpAt = monotonic() + HANDSHAKE_LIMIT;
  let underWay = handshakes(ports);
  while (underWay.size > 0 && monotonic() < giveUpAt) {
    await pause();
    const now = handshakes(ports);
    underWay = new Set([...underWay].filter((each) => now.has(each)));
  }
  do await pause();
  while (descriptors.some((fd) => binding.socket_pending(fd) === 1));
}

/** Of those, the ones that the manager has closed: nobody will serve them after this worker. */
export async function emptyQueuesThatEnd(descriptors: readonly number[]): Promise<void> {
  const ending = descriptors.filter((fd) => binding.socket_is_refusing(fd) === 1);
  if (ending.length > 0) await emptyQueues(ending);
}

/** The descriptors by which it accepts. */
export function descriptorsOf(server: Server): number[] {
  const own = ownedSockets(server);
  if (own !== undefined) return own.map(({ fd }) => fd);
  const { _handle: handle } = server as unknown as Listening;
  return handle?.fd === undefined || handle.fd < 0 ? [] : [handle.fd];
}

/** And until the loop has read what came meanwhile: after a delay timers come first. */
export function pause({ keepsAlive = true } = {}): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      const immediate = setImmediate(resolve);
      if (!keepsAlive) immediate.unref();
    }, LOOK_INTERVAL);
    if (!keepsAlive) timer.unref();
  });
}
