/** What becomes of `listen` in a worker, whenever it is called: one address for all workers, which the manager binds. */
import type { AddressInfo, Server } from 'node:net';
import { nextTick } from '../../base/timers';
import type { ListeningSocket } from '../../sockets/listening-socket';
import type { Conversation, Granted } from '../channel/ask';
import type { DatagramBind } from '../channel/checked';
import { bindOneOfMany, bindShared, formatBind, withoutName } from '../listening/bind';
import type { Call } from '../listening/call';
import { listenOn } from '../listening/intercept';
import { seemedToListen } from '../listening/probe';
import type { Place } from '../place';
import type { Bind, Log } from '../settings';
import { giveWay } from './give-way';
import { keepSpares, takeSpares } from './spare-sockets';
import { leaveQueueOf, watchServer } from './traffic';
import { beginsToListen } from './worker';

export class Listens {
  readonly #place: Place;
  readonly #conversation: Conversation;
  readonly #log: Log;
  /** The first address is for all workers even if it is any free port. */
  #isFirst: boolean;

  constructor(place: Place, conversation: Conversation, log: Log, { isFirst }: { isFirst: boolean }) {
    this.#place = place;
    this.#conversation = conversation;
    this.#log = log;
    this.#isFirst = isFirst;
  }

  /** False: it is Node's to do. */
  take(call: Call): boolean {
    const { bind } = call;
    if (bind === null || call.isExclusive || (isAnyPort(bind) && !this.#isFirst)) return this.#alone(call);
    const spares = takeSpares(bind, call.server);
    if (spares !== undefined) {
      this.#watch(call.server);
      this.#listenOn(call, spares);
      return true;
    }
    try {
      const outcome = this.#conversation.ask(withoutName(bind));
      if (outcome.is === 'refused') return this.#refused(call, bind);
      if (outcome.is === 'failed') throw outcome.error;
      this.#isFirst = false;
      this.serve(call, outcome.sockets, outcome.lent);
    } catch (error) {
      this.#watch(call.server);
      nextTick(() => call.server.emit('error', error));
    }
    return true;
  }

  tryPort(bind: Bind & { kind: 'tcp' }): AddressInfo | Error {
    return this.#conversation.tryPort(withoutName(bind) as typeof bind);
  }

  shareDatagrams(bind: DatagramBind, index: number): number {
    return this.#conversation.shareDatagrams(bind, index);
  }

  serve(call: Call, sockets: Granted['sockets'], lent: readonly boolean[]): void {
    this.#watch(call.server);
    for (const [index, socket] of sockets.entries()) if (lent[index] === true) leaveQueueOf(socket);
    keepSpares(call.bind, call.server, sockets);
    this.#listenOn(call, sockets);
  }

  /** On sockets that all workers share. */
  #listenOn(call: Call, sockets: readonly ListeningSocket[]): void {
    listenOn(call, sockets);
    giveWay(call.server, this.#place.row);
  }

  #watch(server: Server): void {
    watchServer(server, this.#place.row);
    beginsToListen(server, seemedToListen(server));
  }

  #alone({ server }: Call): false {
    this.#watch(server);
    return false;
  }

  /** A port can be bound by each worker, and the kernel spreads the connections; all else is Node's to do. */
  #refused(call: Call, bind: Bind): boolean {
    this.#watch(call.server);
    this.#warn(bind);
    if (bind.kind === 'unix') return false;
    try {
      const socket: ListeningSocket = bind.kind === 'tcp' ? bindOneOfMany(bind) : bindShared(bind);
      if (bind.kind === 'fd') leaveQueueOf(socket);
      listenOn(call, [socket]);
    } catch (error) {
      nextTick(() => call.server.emit('error', error));
    }
    return true;
  }

  #warn(bind: Bind): void {
    const { id, pid, generation, restarts } = this.#place.worker;
    if (id !== 0 || generation !== 0 || restarts !== 0 || bind.kind === 'fd') return;
    const what = {
      tcp: 'each worker binds it for itself, and connections that wait for a worker that ends are lost',
      unix: 'only one worker can have it',
    }[bind.kind];
    this.#log({
      level: 'warning',
      event: 'listened_late',
      message:
        `The manager does not bind ${formatBind(bind)} for all workers, because they run as another user, and one of ` +
        `this version was ready before the application listened there: ${what}. Listen there earlier, or give ready() a ` +
        'promise for it; or serve all addresses with one server, and give them with --bind',
      worker: id,
      pid,
    });
  }
}

/** Each worker can have its own: a client that wants that talks to this worker, or only looks for a free port. */
function isAnyPort(bind: Bind): boolean {
  return bind.kind === 'tcp' && bind.port === 0;
}
