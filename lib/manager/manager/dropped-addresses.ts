/**
 * An address that the new version does not name any more: the last worker that serves it accepts all who have connected
 * before it ends, and nobody connects after that. Closed with the old generation, whoever waits in the queue would be reset.
 */
import type { State } from '../policy';
import type { Bound } from './addresses';
import type { Holdings } from './holdings';
import type { Peer } from './peers';

/** Before a worker is told to finish: what nobody serves after it is closed. It sees that, and empties its queues. */
export function closeWhatEndsWith(leaving: Peer, { workers }: State, has: Holdings): void {
  const stays = workers
    .filter(({ phase }) => phase === 'booting' || phase === 'ready')
    .flatMap(({ pid }) => has.peers.get(pid) ?? []);
  for (const bound of has.addresses.askedFor(leaving.asked)) {
    if (!isDropped(bound, has)) continue;
    const servers = stays.filter((peer) => has.addresses.askedFor(peer.asked).includes(bound));
    if (servers.length === 0) {
      has.addresses.drop(bound);
      has.announcements.ended(bound.endpoint);
    } else if (leaving.worker !== null && !servers.some(({ worker }) => worker?.id === leaving.worker?.id)) {
      bound.endpoint.closeQueue(leaving.worker.id);
    }
  }
}

/** No generation has asked for it that is to serve, or may yet be. */
function isDropped({ generations }: Bound, has: Holdings): boolean {
  return ![...generations].some((number) => has.generations.get(number)?.isRetired === false);
}
