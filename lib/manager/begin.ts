/** What a process does that the manager has forked, before it runs the configuration and loads the application. */
import type { AddressInfo } from 'node:net';
import { binding } from '../base/binding';
import { allowIdleCollections } from '../warmup/arrange-memory';
import { gatherHeap } from '../warmup/gather-heap';
import { attend } from './attendant/attendant';
import { serveStatus } from './attendant/status-server';
import { Conversation } from './channel/ask';
import type { Call } from './listening/call';
import { interceptBind } from './listening/datagrams';
import { interceptListen } from './listening/intercept';
import { goBeforeTheManager } from './oom';
import { type Newcomer, type Place, placeOf } from './place';
import { isPreloaded, rulesOf } from './rules';
import type { Bind, Hooks, Identity, Log, Settings } from './settings';
import { dropPrivileges, findPrivileges, type Privileges } from './system/privileges';
import { type Born, Template } from './template/template';
import { hearOfAnswers } from './worker/answer-times';
import { becomeWorker } from './worker/become-worker';
import { dieWithManager } from './worker/die-with-manager';
import { Listens } from './worker/listens';
import { isSettled } from './worker/settled';
import { hearOfRequests } from './worker/traffic';
import { beginManaging, destineForWork } from './worker/worker';

/** The application about to be loaded: its loader wants to know how far it has come. */
export interface Loading {
  log: Log;
  /** It has begun to listen. */
  listens(): void;
  /** From here on nothing is left to be explained: this process becomes a worker like any other, or forks them. */
  over(): void;
}

/** What is the user's own, and evaluated when the rights are given up. */
export interface Evaluated {
  hooks: Hooks;
  identity?: Identity;
  /** Not called in the attendant. */
  watch(): Loading;
}

/**
 * Leaves a child of the manager no more rights than it is to have, before anything of the user's runs in it: those of the
 * workers. One that reads the configuration has them if it is known by then which these are.
 *
 * @throws Error `ERR_PREFORK_INVALID_ARG_VALUE`: no such user or group, or only root may change to them
 */
export function giveUpRights({ role, settings, manager, early, place }: Newcomer, log: Log): void {
  goBeforeTheManager();
  if (role === 'template' || role === 'worker') destineForWork();
  const privileges = findPrivileges(settings.user, settings.group);
  const keepsThem = settings.loadAsRoot && (role === 'template' || role === 'configuration');
  try {
    if (!keepsThem) dropPrivileges(privileges);
  } catch (error) {
    couldNotBegin(place === null ? `The ${role}` : `Worker ${place.worker.id}`, error, log);
  }
  dieWithManager(manager);
  if (role !== 'configuration') return;
  if (settings.title !== null) process.title = `${settings.title}: configuration`;
  for (const signal of early) process.kill(process.pid, signal);
}

/**
 * Evaluates what is the user's, and takes over what `listen` does. In the attendant the promise never settles. In all others
 * the application can be loaded when it has.
 *
 * @throws what `evaluate` throws
 */
export async function begin(newcomer: Newcomer, log: Log, evaluate: () => Promise<Evaluated>): Promise<void> {
  const { hooks, identity, watch } = await evaluate();
  const settings = { ...newcomer.settings, hooks };
  if (settings.umask !== null) process.umask(settings.umask);
  const { role, channel } = newcomer;
  if (role !== 'template' || !settings.warmup) allowIdleCollections();
  if (role === 'attendant')
    await becomeAttendant(newcomer, settings, log, identity?.application?.path ?? null);
  if (settings.gatherHeap) gatherHeap();
  if (role === 'template' && identity !== undefined) channel.send({ type: 'identity', identity });
  beginManaging(isSettled);
  hearOfRequests();
  hearOfAnswers();
  new Beginner(newcomer, settings, findPrivileges(settings.user, settings.group), watch()).prepare();
}

/** What one process is: a template, until it is a worker. */
class Beginner {
  readonly #newcomer: Newcomer;
  readonly #settings: Settings;
  readonly #privileges: Privileges;
  readonly #loading: Loading;
  readonly #template: Template;
  #listens: Listens | undefined;

  constructor(newcomer: Newcomer, settings: Settings, privileges: Privileges, loading: Loading) {
    this.#newcomer = newcomer;
    this.#settings = settings;
    this.#privileges = privileges;
    this.#loading = loading;
    this.#template = new Template(newcomer, settings, {
      log: loading.log,
      listens: loading.listens,
      over: loading.over,
      work: (born) => this.#work(born),
    });
  }

  prepare(): void {
    const { place } = this.#newcomer;
    interceptListen(
      (call) => this.#take(call),
      (bind) => this.#tryPort(bind),
    );
    interceptBind((bind, index) => (this.#listens ?? this.#template).shareDatagrams(bind, index));
    if (place !== null) this.#workFromTheStart(place);
    else if (!isPreloaded(this.#settings, this.#newcomer.couldNotBeShared)) this.#awaitPlace();
    else this.#becomeTemplate();
  }

  #take(call: Call): boolean {
    if (this.#listens === undefined) {
      this.#template.take(call);
      return true;
    }
    this.#loading.listens();
    this.#loading.over();
    return this.#listens.take(call);
  }

  #tryPort(bind: Bind & { kind: 'tcp' }): AddressInfo | Error | undefined {
    try {
      return (this.#listens ?? this.#template).tryPort(bind);
    } catch {
      return undefined; // a name that nobody knows: `listen` says so
    }
  }

  #becomeTemplate(): void {
    const { title } = this.#settings;
    this.#template.begin();
    if (title !== null) process.title = `${title}: template`;
    for (const signal of this.#newcomer.early) process.kill(process.pid, signal);
  }

  /** The manager makes this process a worker before it has loaded anything. */
  #awaitPlace(): void {
    this.#newcomer.channel.send({ type: 'idle' });
    const conversation = new Conversation(this.#newcomer.channel);
    for (;;) {
      const told = conversation.next(-1);
      if (told === null) binding.process_exit(0);
      if (told?.message.type !== 'become') continue;
      this.#workFromTheStart(placeOf(this.#newcomer, told.message.post));
      return;
    }
  }

  #workFromTheStart(place: Place): void {
    this.#becomeWorker(place);
    const conversation = new Conversation(place.channel);
    this.#listens = new Listens(place, conversation, this.#loading.log, { isFirst: true });
  }

  /** The application goes on in it, from where it has called `listen`. */
  #work({ place, served }: Born): void {
    this.#becomeWorker(place);
    const listens = new Listens(place, new Conversation(place.channel), this.#loading.log, {
      isFirst: false,
    });
    this.#listens = listens;
    for (const [call, sockets, lent] of served) listens.serve(call, sockets, lent);
  }

  /** Nothing is thrown into the application, which might catch it and go on: as root, if that could not be given up. */
  #becomeWorker(place: Place): void {
    try {
      becomeWorker(place, {
        settings: this.#settings,
        rules: rulesOf(this.#newcomer.settings),
        privileges: this.#privileges,
        log: this.#loading.log,
      });
    } catch (error) {
      couldNotBegin(`Worker ${place.worker.id}`, error, this.#loading.log, place);
    }
  }
}

function couldNotBegin(what: string, error: unknown, log: Log, place?: Place): never {
  const about = place === undefined ? {} : { worker: place.worker.id, pid: place.worker.pid };
  log({
    level: 'error',
    event: 'worker_start_failed',
    message: `${what} could not start: ${error instanceof Error ? error.stack : error}`,
    ...about,
  });
  return binding.process_exit(1);
}

async function becomeAttendant(
  { line, channel }: Newcomer,
  { title, hooks, status, statusPublic }: Settings,
  log: Log,
  application: string | null,
): Promise<never> {
  if (title !== null) process.title = `${title}: attendant`;
  // A terminal's Ctrl-C, and what a service manager sends to all: it ends when the manager has nothing more to tell.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  const stopServing =
    status === null ? async () => {} : serveStatus(channel, { status, statusPublic, application });
  return attend(line, hooks, log, stopServing);
}
