import type { Server } from 'node:net';
import type { Bind } from '../settings';

/** One call of `listen`. */
export interface Call {
  server: Server;
  /** null: on something that cannot be bound anew, such as another server's handle. */
  bind: Bind | null;
  parameters: unknown[];
  signal: AbortSignal | undefined;
  /** As in node:cluster: the socket is not to be shared. */
  isExclusive: boolean;
  /** Listeners of 'listening' that have heard of it in the template, and are not to hear of it again. */
  told: readonly (() => void)[];
}
