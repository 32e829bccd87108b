/**
 * The template: loads the application up to its first `listen`, has the manager bind its addresses, and from then on only
 * sleeps and forks workers. The processes that return from that sleep are workers.
 */
import type { AddressInfo, Server } from 'node:net';
import { binding } from '../../base/binding';
import { check } from '../../base/errors';
import { clearTimeout, monotonic, nextTick, setTimeout } from '../../base/timers';
import type { CalledAfter } from '../../fork/at-fork';
import { forkSibling } from '../../fork/fork';
import { dup2 } from '../../os';
import { ListeningSocket } from '../../sockets/listening-socket';
import { runSignalListeners, takeArrivedSignals } from '../../wait/signals';
import { warmup } from '../../warmup/warmup';
import { Conversation, type Told } from '../channel/ask';
import { Channel } from '../channel/channel';
import type { DatagramBind } from '../channel/checked';
import type { Post, SocketAbout } from '../channel/messages';
import { bindShared, withoutName } from '../listening/bind';
import type { Call } from '../listening/call';
import { explainBind } from '../listening/explain';
import { type Newcomer, type Place, placeOf, SIGNALS, signalsIn, supervisedSignals } from '../place';
import { seconds } from '../policy/words';
import type { Bind, Log, Settings } from '../settings';
import { ownMemory } from '../system/own-memory';
import { IdleConnections } from './idle-connections';
import { ProcessorTime } from './processor-time';
import {
  explainBusy,
  explainUnsharable,
  isBusy,
  listUnsharable,
  nameUnsharable,
  unsharable,
} from './refusals';
import { rehearseServers } from './rehearse-servers';
import { rehearseWorker } from './rehearse-worker';
import { flushGathered } from './unwritten';

/** How often an application that has something under way is looked at again. */
const BUSY_INTERVAL = 5;

const PENDING = 'The promise that the hook beforeFork has returned is still pending';

/** What ends a template before its first fork. */
type Failure =
  | 'application_was_busy'
  | 'connections_were_open'
  | 'hook_failed'
  | 'listen_failed'
  | 'rehearsal_failed';

/** A call of `listen`, and what answers it. */
export interface Served {
  call: Call;
  /** How many of the sockets that the manager passes with each worker are for this call. */
  count: number;
  /** Sockets that the application had itself, and that forks share. */
  own: ListeningSocket[];
}

/** A worker, and the sockets for what its template has served. */
export interface Born {
  place: Place;
  served: [call: Call, sockets: ListeningSocket[], lent: boolean[]][];
}

export interface Duties {
  log: Log;
  /** The application listens, so that it need not be told any more that it should. */
  listens(): void;
  /** Nothing of the application is waited for any more: what follows is for workers to do. */
  over(): void;
  /** This process becomes a worker, or has been born as one. */
  work(born: Born): void;
}

export class Template {
  readonly #newcomer: Newcomer;
  readonly #settings: Settings;
  readonly #duties: Duties;
  readonly #conversation: Conversation;
  readonly #served: Served[] = [];
  /** Calls of `listen` that wait for the application to have nothing under way. */
  #waiting: Call[] = [];
  #giveUp: NodeJS.Timeout | undefined;
  #isStarting = false;
  /** The hook beforeFork is awaited. */
  #isInHook = false;
  #isWorker = false;
  /** Calls that could not be bound, before it is known whether the application listens for errors. */
  #undecided = 0;
  #rehearsal: 'to do' | 'under way' | 'done';
  /** What is still to be done, in this order, before it is judged whether workers can share what is open. */
  readonly #preparations = [() => this.#callHook(), () => this.#letConnectionsClose()];
  readonly #idleConnections = new IdleConnections();
  readonly #processorTime = new ProcessorTime();
  readonly #since = monotonic();
  #reopened: number;

  constructor(newcomer: Newcomer, settings: Settings, duties: Duties) {
    this.#newcomer = newcomer;
    this.#settings = settings;
    this.#duties = duties;
    this.#conversation = new Conversation(newcomer.channel);
    this.#reopened = newcomer.reopened;
    this.#rehearsal = settings.rehearse.length > 0 ? 'to do' : 'done';
  }

  /** Before the application is loaded. */
  begin(): void {
    this.#idleConnections.watch();
    this.#processorTime.watch();
  }

  /** Every call of `listen` until this process is a worker. */
  take(call: Call): void {
    this.#duties.listens();
    this.#waiting.push(call);
    this.#giveUp ??= this.#expectQuiet();
    this.#startWhenQuiet();
  }

  /** The address that a server would get that listened there. */
  tryPort(bind: Bind & { kind: 'tcp' }): AddressInfo | Error {
    return this.#conversation.tryPort(withoutName(bind) as typeof bind);
  }

  shareDatagrams(bind: DatagramBind, index: number): number {
    return this.#conversation.shareDatagrams(bind, index);
  }

  #fail(event: Failure, message: string): never {
    this.#duties.log({ level: 'error', event, message });
    process.exit(1);
  }

  #expectQuiet(): NodeJS.Timeout {
    const late = () => {
      if (this.#isInHook)
        this.#fail('hook_failed', `${PENDING} after ${seconds(this.#settings.bootTimeout)}`);
      if (isBusy()) this.#fail('application_was_busy', explainBusy());
    };
    return setTimeout(late, this.#settings.bootTimeout).unref();
  }

  /** A fork would repeat what is under way; a moment later nothing is. */
  #startWhenQuiet(): void {
    if (this.#rehearsal === 'under way' || this.#isStarting || this.#isWorker || this.#undecided > 0) return;
    if (isBusy()) setTimeout(() => this.#startWhenQuiet(), BUSY_INTERVAL);
    else if (this.#waiting.length === 0 && this.#served.length === 0) return;
    else if (this.#rehearsal === 'to do') void this.#rehearse();
    else void this.#start();
  }

  /** Before anything is bound: no client has to wait for it. */
  async #rehearse(): Promise<void> {
    const { rehearse, bootTimeout } = this.#settings;
    this.#rehearsal = 'under way';
    clearTimeout(this.#giveUp);
    try {
      await rehearseServers(this.#waiting, rehearse, bootTimeout, this.#duties.log);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#fail('rehearsal_failed', `Cannot rehearse ${rehearse.join(', ')}: ${why}`);
    }
    this.#rehearsal = 'done';
    this.#giveUp = this.#expectQuiet();
    this.#startWhenQuiet();
  }

  async #start(): Promise<void> {
    this.#bindWaiting();
    // Errors are reported first; one without a listener ends this process.
    if (this.#served.length === 0 || this.#undecided > 0) return;
    for (let prepare = this.#preparations.shift(); prepare; prepare = this.#preparations.shift()) {
      this.#isStarting = true;
      const later = prepare();
      if (later !== undefined) await later;
      this.#isStarting = false;
      // What that has begun, and where the application has listened meanwhile.
      if (isBusy()) {
        this.#startWhenQuiet();
        return;
      }
      this.#bindWaiting();
      if (this.#undecided > 0) return;
    }
    clearTimeout(this.#giveUp);
    const isWritten = flushGathered();
    const isShareable = this.#isShareable();
    if (isShareable && !isWritten) this.#warnOfLines();
    // Here, and not in each worker.
    this.#idleConnections.leave();
    this.#duties.over();
    const born = isShareable ? this.#sleep() : this.#wait();
    /* a worker, from here on */
    this.#isWorker = true;
    this.#duties.work(born);
  }

  /** A promise if the hook has returned one. */
  #callHook(): Promise<void> | undefined {
    const failed = (error: unknown) =>
      this.#fail('hook_failed', `The hook beforeFork threw: ${error instanceof Error ? error.stack : error}`);
    try {
      const result = this.#settings.hooks.beforeFork?.() as PromiseLike<void> | undefined;
      return typeof result?.then === 'function' ? this.#awaitHook(result).catch(failed) : undefined;
    } catch (error) {
      return failed(error);
    }
  }

  async #awaitHook(result: PromiseLike<void>): Promise<void> {
    const never = () => this.#fail('hook_failed', `${PENDING}, and nothing is left that could fulfil it`);
    this.#isInHook = true;
    process.prependListener('beforeExit', never);
    try {
      await result;
    } finally {
      this.#isInHook = false;
      process.off('beforeExit', never);
    }
  }

  /** What waits for nothing but a next request is closed at once, and what is about to close is waited for. */
  #letConnectionsClose(): Promise<void> | undefined {
    const isOpen = () => unsharable().length > 0;
    this.#idleConnections.close();
    return isOpen() ? this.#idleConnections.settle(isOpen) : undefined;
  }

  #isShareable(): boolean {
    const things = unsharable();
    if (things.length === 0) return true;
    if (this.#settings.preload === 'yes') this.#fail('connections_were_open', explainUnsharable(things));
    this.#newcomer.channel.send({
      type: 'unsharable',
      what: nameUnsharable(things),
      things: listUnsharable(things).slice(0, 4096),
      milliseconds: Math.round(monotonic() - this.#since),
      bytes: ownMemory(),
    });
    return false;
  }

  #warnOfLines(): void {
    const message =
      'A thread that writes what the application has logged does not come to rest. Lines from before listen() that it ' +
      'has not written yet are written by each worker, too: log them after listen(), or use --preload no';
    this.#duties.log({ level: 'warning', event: 'lines_unwritten', message });
  }

  // --- Addresses ---

  #bindWaiting(): void {
    const calls = this.#waiting;
    this.#waiting = [];
    for (const call of calls) this.#bind(call);
  }

  #bind(call: Call): void {
    const asked = call.bind as Bind;
    try {
      const outcome = this.#conversation.ask(withoutName(asked));
      if (outcome.is === 'granted') this.#served.push({ call, count: outcome.count, own: [] });
      else if (outcome.is === 'failed') this.#couldNotBind(call.server, outcome.bind, outcome.error);
      else this.#served.push({ call, count: 0, own: [bindShared(asked)] });
    } catch (error) {
      this.#couldNotBind(call.server, asked, error as NodeJS.ErrnoException);
    }
  }

  /** The application may attach its error listener right after `listen()` has returned, and then try another port. */
  #couldNotBind(server: Server, bind: Bind, error: NodeJS.ErrnoException): void {
    this.#undecided += 1;
    nextTick(() => {
      this.#undecided -= 1;
      if (this.#settings.bind.length > 0 || server.listenerCount('error') === 0) {
        this.#fail('listen_failed', explainBind(bind, error));
      }
      server.emit('error', error);
      this.#startWhenQuiet();
    });
  }

  // --- Workers ---

  /** Not to be shared: this process is to be a worker itself. */
  #wait(): Born {
    for (;;) {
      const told = this.#conversation.next(-1);
      if (told === null) return binding.process_exit(0);
      if (told?.message.type === 'become')
        return this.#born(told.message.post, told.message.sockets, told.passed);
    }
  }

  /** Returns in each worker only. */
  #sleep(): Born {
    const { title, smallYoungGeneration } = this.#settings;
    // A signal that has come and is not delivered yet: each worker would inherit it.
    for (const signal of takeArrivedSignals()) {
      if (!supervisedSignals().includes(signal)) runSignalListeners(signal);
    }
    // It touches no terminal: to stop with its job would only leave it asleep if the shell has been quicker.
    check(binding.supervise_begin(supervisedSignals(), false), 'sigaction');
    if (title !== null) process.title = `${title}: template`;
    if (this.#settings.warmup) {
      rehearseWorker(this.#newcomer, this.#settings);
      warmup({ smallYoungGeneration });
    }
    this.#newcomer.channel.send({ type: 'loaded' });
    const channels = Int32Array.of(this.#newcomer.channel.fd);
    for (;;) {
      // Signals are for the manager to obey.
      binding.supervise_wait(-1, channels);
      for (;;) {
        const told = this.#conversation.next(0);
        if (told === undefined) break;
        // The manager has gone, or has made another template.
        if (told === null) binding.process_exit(0);
        const born = this.#obey(told as Told);
        if (born !== undefined) return born;
      }
    }
  }

  #obey({ message, passed }: Told): Born | undefined {
    if (message.type === 'fork') return this.#fork(message.post, message.sockets, passed);
    if (message.type === 'logs') {
      this.#reopened = message.count;
      for (const [index, fd] of message.descriptors.entries()) dup2(passed[index] as number, fd);
    }
    for (const fd of passed) binding.socket_close(fd);
    return undefined;
  }

  #fork(post: Post, sockets: SocketAbout[], passed: number[]): Born | undefined {
    const { channel } = this.#newcomer;
    let pid: number;
    try {
      pid = forkSibling((error, called) => this.#hookFailed(error, called));
    } catch (error) {
      for (const fd of passed) binding.socket_close(fd);
      const reason = error instanceof Error ? error.message : String(error);
      const killed = (error as NodeJS.ErrnoException).code === 'ERR_PREFORK_CHILD_KILLED';
      channel.send({ type: 'not forked', reason, killed });
      return undefined;
    }
    if (pid === 0) {
      /* child */
      const early = signalsIn(binding.supervise_end(), SIGNALS);
      channel.close();
      this.#processorTime.begin();
      const [own = -1, ...rest] = passed;
      Object.assign(this.#newcomer, { early, channel: new Channel(own), reopened: this.#reopened });
      return this.#born(post, sockets, rest);
    }
    /* parent */
    for (const fd of passed) binding.socket_close(fd);
    channel.send({ type: 'forked', pid });
    return undefined;
  }

  /** Not thrown later: that tick never comes here, but in every worker that is forked from now on. */
  #hookFailed(error: unknown, called: CalledAfter): void {
    const who =
      called === 'prefork:fork' ? 'A subscriber of prefork:fork' : `A hook of registerAtFork, ${called},`;
    const message = `${who} threw: ${error instanceof Error ? error.stack : error}`;
    this.#duties.log({ level: 'error', event: 'hook_failed', message });
  }

  #born(post: Post, sockets: SocketAbout[], passed: number[]): Born {
    const { manager, channel, early, reopened } = this.#newcomer;
    const all = passed.map((fd) => new ListeningSocket(fd));
    const lent = sockets.map(({ isLent }) => isLent);
    return {
      place: placeOf({ manager, channel, early, reopened }, post),
      served: this.#served.map(({ call, count, own }) => [
        call,
        [...all.splice(0, count), ...own],
        [...lent.splice(0, count), ...own.map(() => true)],
      ]),
    };
  }
}
