/**
 * Connections go where there is room. Workers that share a socket all hear of each connection, and whichever is awake first
 * would take all that wait. Instead one that has more than others leaves them what they need to have as many.
 */
import type { Server } from 'node:net';
import { binding, type NativeGiveWay } from '../../base/binding';
import { registerAtFork } from '../../fork/at-fork';
import { sharedMarks, sharedRows } from '../../shared/memory';
import { type Handle, StandIn } from '../listening/stand-in';
import { linesInUse, type Row } from '../scoreboard';

const { SOL_SOCKET, SO_REUSEPORT } = binding.socket_constants;

/** Milliseconds for which a connection that nobody takes is left to others: the shortest time that a loop can sleep. */
const MOMENT = 1;

/** Milliseconds for which a worker is young, and waits for those that are forked with it: by then all can have begun. */
const YOUTH = 50;

const giving = new Set<NativeGiveWay>();
let isPrepared = false;

/** For a server that has just begun to listen in the worker of this line, before its loop turns. */
export function giveWay(server: Server, row: Row): void {
  const { _handle: handle } = server as unknown as { _handle: Handle | null };
  if (handle === null || handle instanceof StandIn || handle.fd === undefined || handle.fd < 0) return;
  // Nobody else accepts from the socket, or not by lines of this scoreboard.
  if (binding.socket_getsockopt(handle.fd, SOL_SOCKET, SO_REUSEPORT) !== 0) return;
  const { index } = row;
  const shared = [sharedRows(), sharedMarks(), linesInUse()] as const;
  if (!row.isShared) return; // in a rehearsal
  const started = binding.give_way_start(handle.fd, ...shared, index, MOMENT, YOUTH);
  if (typeof started === 'number') return;
  giving.add(started);
  prepare();
  stopWith(handle, started);
}

function prepare(): void {
  if (isPrepared) return;
  isPrepared = true;
  registerAtFork({
    afterInChild: () => {
      for (const each of giving) binding.give_way_never(each);
    },
  });
  // Node closes its own handles before it tells those of others.
  process.on('exit', stopAll);
}

function stop(started: NativeGiveWay): void {
  if (giving.delete(started)) binding.give_way_stop(started);
}

function stopAll(): void {
  for (const each of giving) stop(each);
}

/** Whoever closes the handle. */
function stopWith(handle: Handle, started: NativeGiveWay): void {
  const close = handle.close;
  handle.close = function (this: Handle, ...parameters: []) {
    stop(started);
    close.apply(this, parameters);
  };
}
