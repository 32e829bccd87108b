/** What a process that the manager has forked does once it knows its settings, and before the application is loaded. */
import type { AddressInfo } from 'node:net';
import { binding } from '../base/binding';
import { gatherHeap } from '../warmup/gather-heap';
import { attend } from './attendant/attendant';
import { Conversation } from './channel/ask';
import { withoutName } from './listening/bind';
import type { Call } from './listening/call';
import { interceptBind } from './listening/datagrams';
import { explainBind } from './listening/explain';
import { interceptListen } from './listening/intercept';
import { goBeforeTheManager } from './oom';
import { type Newcomer, type Place, placeOf } from './place';
import { isPreloaded, rulesOf } from './rules';
import type { Application, Bind, Log, PlainSettings, Settings } from './settings';
import { dropPrivileges, findPrivileges, type Privileges } from './system/privileges';
import { type Born, Template } from './template/template';
import { becomeWorker } from './worker/become-worker';
import { dieWithManager } from './worker/die-with-manager';
import { Listens } from './worker/listens';
import { beginManaging } from './worker/worker';

/** The application about to be loaded: its loader wants to know how far it has come. */
export interface Loading {
  application?: Application;
  log: Log;
  /** It has begun to listen. */
  listens(): void;
  /** From here on this process is a worker like any other. */
  over(): void;
}

/**
 * Tells the manager the settings, gives up rights, and takes over what `listen` does. In the attendant the promise never
 * settles. In all others the application can be loaded when it has.
 *
 * @throws Error `ERR_PREFORK_INVALID_ARG_VALUE`: no such user or group, or only root may change to them
 * @throws RangeError `ERR_PREFORK_OUT_OF_RANGE`: a setting with which no worker could live
 */
export async function begin(
  newcomer: Newcomer,
  settings: Settings,
  log: Log,
  watch: () => Loading,
): Promise<void> {
  rulesOf(plain(settings));
  const privileges = findPrivileges(settings.user, settings.group);
  if (settings.umask !== null) process.umask(settings.umask);
  goBeforeTheManager();
  if (newcomer.role === 'attendant') {
    await becomeAttendant(newcomer, settings, privileges, log);
  }
  if (settings.gatherHeap) gatherHeap();
  const loading = watch();
  const { application = null } = loading;
  const told = { ...plain(resolved(settings, loading.log)), application };
  newcomer.channel.send({ type: 'settings', settings: told });
  beginManaging();
  new Beginner(newcomer, settings, privileges, loading).prepare();
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
    else if (!isPreloaded(plain(this.#settings), this.#newcomer.couldNotBeShared)) this.#awaitPlace();
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
    const { title, loadAsRoot } = this.#settings;
    try {
      if (!loadAsRoot) dropPrivileges(this.#privileges);
    } catch (error) {
      this.#couldNotBegin('The template', error);
    }
    dieWithManager(this.#newcomer.manager);
    this.#template.begin();
    if (title !== null) process.title = `${title}: template`;
    for (const signal of this.#newcomer.early) process.kill(process.pid, signal);
  }

  /** The manager makes this process a worker before it has loaded anything. */
  #awaitPlace(): void {
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
    this.#loading.over();
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
        rules: rulesOf(plain(this.#settings)),
        privileges: this.#privileges,
        log: this.#loading.log,
      });
    } catch (error) {
      this.#couldNotBegin(`Worker ${place.worker.id}`, error, place);
    }
  }

  #couldNotBegin(what: string, error: unknown, place?: Place): never {
    const about = place === undefined ? {} : { worker: place.worker.id, pid: place.worker.pid };
    this.#loading.log({
      level: 'error',
      event: 'worker_start_failed',
      message: `${what} could not start: ${error instanceof Error ? error.stack : error}`,
      ...about,
    });
    return binding.process_exit(1);
  }
}

async function becomeAttendant(
  { line, manager }: Newcomer,
  { title, hooks }: Settings,
  privileges: Privileges,
  log: Log,
): Promise<never> {
  dropPrivileges(privileges);
  dieWithManager(manager);
  if (title !== null) process.title = `${title}: attendant`;
  // A terminal's Ctrl-C, and what a service manager sends to all: it ends when the manager has nothing more to tell.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  return attend(line, hooks, log);
}

/** As the manager may have them: it does not look names of hosts up. */
function resolved(settings: Settings, log: Log): Settings {
  return { ...settings, bind: settings.bind.map((bind) => withoutNameOrEnd(bind, log)) };
}

function withoutNameOrEnd(bind: Bind, log: Log): Bind {
  try {
    return withoutName(bind);
  } catch (error) {
    log({
      level: 'error',
      event: 'listen_failed',
      message: explainBind(bind, error as NodeJS.ErrnoException),
    });
    process.exit(1);
  }
}

export function plain({ hooks, ...settings }: Settings): PlainSettings {
  const watches = (['workerReady', 'workerExit', 'reloaded'] as const).some((name) => hooks[name]);
  return { ...settings, restart: { ...settings.restart }, watches, application: null };
}
