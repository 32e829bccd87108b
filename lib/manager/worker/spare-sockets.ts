/**
 * An application may close a server and listen on the same address again (to see whether a port is free, to change what
 * serves it). The manager holds that address to its end, so a worker keeps a second descriptor of each of its sockets.
 */
import { closeSync, openSync } from 'node:fs';
import type { Server } from 'node:net';
import { binding } from '../../base/binding';
import { check } from '../../base/errors';
import { ListeningSocket } from '../../sockets/listening-socket';
import type { Bind } from '../settings';

interface Spare {
  bind: Bind;
  /** Whose it is at the moment. */
  server: Server;
  sockets: ListeningSocket[];
}

/** In a child that the worker forks by itself they are as little use as the worker's servers. */
const spares: Spare[] = [];

export function keepSpares(bind: Bind | null, server: Server, sockets: readonly ListeningSocket[]): void {
  if (bind === null || bind.kind === 'fd') return;
  spares.push({ bind, server, sockets: sockets.map(duplicate) });
}

/** Sockets for `server`; undefined unless this worker has closed a server that listened just there. */
export function takeSpares(bind: Bind, server: Server): ListeningSocket[] | undefined {
  const spare = spares.find((each) => !each.server.listening && isSame(each, bind));
  if (spare === undefined) return undefined;
  spare.server = server;
  return spare.sockets.map(duplicate);
}

export function closeSpares(): void {
  for (const { sockets } of spares.splice(0)) for (const socket of sockets) socket.close();
}

/** Also by the number that stood for any free port. */
function isSame({ bind: kept, sockets }: Spare, bind: Bind): boolean {
  if (kept.kind === 'unix' && bind.kind === 'unix') return kept.path === bind.path;
  if (kept.kind !== 'tcp' || bind.kind !== 'tcp' || kept.host !== bind.host) return false;
  const address = sockets[0]?.address();
  return kept.port === bind.port || (typeof address === 'object' && address.port === bind.port);
}

/** dup2(2) wants a number that is free. */
function duplicate({ fd }: ListeningSocket): ListeningSocket {
  const free = openSync('/dev/null', 'r');
  const result = binding.process_dup2(fd, free, false);
  if (result < 0) closeSync(free);
  check(result, 'dup2');
  return new ListeningSocket(free);
}
