import { binding } from '../../base/binding';
import { monotonic } from '../../base/timers';
import type { Peers } from './peers';

/** Reaps all peers. Those that have not ended at `deadline`, in milliseconds of the monotonic clock, are handed to `kill`. */
export function awaitEnds(peers: Peers, deadline: number, kill: (pid: number) => void): void {
  const status = new Int32Array(1);
  while (peers.all().length > 0) {
    const pid = binding.supervise_reap(status);
    const peer = peers.get(pid);
    if (peer !== undefined) peers.remove(peer);
    else if (pid < 0) return;
    else if (monotonic() > deadline) {
      for (const { pid: late } of peers.all()) kill(late);
      return;
    } else if (pid === 0) {
      binding.supervise_wait(Math.max(0, Math.ceil(deadline - monotonic())), new Int32Array(0));
    }
  }
}
