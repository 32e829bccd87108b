import type { Event, State } from '../policy';
import type { Peer } from './peers';

/** What the manager's parts ask of it. */
export interface Driver {
  readonly state: State;
  /** The policy hears of it once all is done that it has decided so far. */
  tell(event: Event): void;
  /** A child that is known has been reaped. */
  ended(peer: Peer, status: number): void;
  /** A signal to a child that has not been reaped, so that the number still belongs to it. */
  kill(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void;
  /** The end of this process, and of all that it has forked. */
  end(status: number): never;
  /** The same, for an error of its own. */
  fail(error: unknown): never;
}
