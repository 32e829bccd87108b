/**
 * Before its first fork the template does what every worker begins with, for a worker that nobody sees. V8 compiles a function
 * when it is first called, and learns from the first calls: otherwise each worker would do that by itself, in memory of its own.
 */
import type { Server } from 'node:net';
import { bindSockets } from '../../netutil';
import type { ListeningSocket } from '../../sockets/listening-socket';
import { makeServer } from '../../warmup/rehearse-listening';
import { Conversation } from '../channel/ask';
import { Channel } from '../channel/channel';
import type { Handle } from '../listening/stand-in';
import type { Newcomer, Place } from '../place';
import { rulesOf } from '../rules';
import { reopenCount, unseenRow } from '../scoreboard';
import type { Bind, Settings } from '../settings';
import { dutiesOf } from '../worker/become-worker';
import { heartOf } from '../worker/health';
import { Listens } from '../worker/listens';
import { closeSpares } from '../worker/spare-sockets';
import { forgetServer } from '../worker/traffic';
import { keepingLife, ready, takePlace } from '../worker/worker';

/** The second time uses what V8 learned in the first. After more, V8 would begin to optimise in the worker. */
const TIMES = 2;

const LOOPBACK: Bind = { kind: 'tcp', host: '127.0.0.1', port: 0, ipv6Only: false };

function nothing(): void {}

/** Leaves nothing behind. Does nothing where there are no sockets to be had. */
export function rehearseWorker(newcomer: Newcomer, settings: Settings): void {
  try {
    for (let i = 0; i < TIMES; i++) rehearseOnce(newcomer, settings);
  } catch {
    // It is useful, but not necessary.
  }
}

function rehearseOnce(newcomer: Newcomer, settings: Settings): void {
  const [own, peer] = Channel.pair();
  try {
    const place = unseenPlace(newcomer.manager, own);
    keepingLife(() => {
      takePlace(place);
      // Before it is ready: it does nothing yet of what one worker does for all.
      heartOf(
        place.row,
        rulesOf(newcomer.settings),
        dutiesOf(place, { ...settings, inspectPort: null }, nothing),
      )();
      listen(place);
      ready();
    });
  } finally {
    own.close();
    peer.close();
  }
}

function unseenPlace(manager: number, channel: Channel): Place {
  const row = unseenRow();
  const worker = { id: 0, pid: process.pid, generation: 0, restarts: 0 };
  return { manager, channel, early: [], reopened: reopenCount(), worker, row, isReplacing: false };
}

/** Nobody knows the address, and it is gone before this process accepts anything. */
function listen(place: Place): void {
  const server = makeServer();
  const call = {
    server,
    bind: LOOPBACK,
    parameters: [],
    signal: undefined,
    isExclusive: false,
    told: [],
  };
  const listens = new Listens(place, new Conversation(place.channel), nothing, { isFirst: false });
  const sockets = bindSockets(0, '127.0.0.1');
  try {
    listens.serve(call, sockets, [false]);
  } finally {
    closeAtOnce(server, sockets);
    closeSpares();
  }
}

/** Not by close(): what comes of that in the next tick would come in every worker. */
function closeAtOnce(server: Server, sockets: readonly ListeningSocket[]): void {
  const listening = server as unknown as { _handle: Handle | null };
  server.removeAllListeners();
  forgetServer(server);
  // A handle has taken the descriptor over.
  if (listening._handle === null) for (const socket of sockets) socket.close();
  else listening._handle.close();
  listening._handle = null;
}
