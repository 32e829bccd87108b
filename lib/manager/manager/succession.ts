/**
 * Another program takes the manager's process over: first it is tried in a child, then this process becomes it. What is
 * handed over, handover.ts says; how no signal is lost, native/fork/hand_over.h.
 */
import { closeSync, openSync } from 'node:fs';
import { addonFile, binding } from '../../base/binding';
import { systemError } from '../../base/errors';
import type { ToManager } from '../channel/messages';
import type { Newcomer } from '../place';
import { supervisedSignals } from '../place';
import { describeExit } from '../policy/words';
import type { WorkerExit } from '../settings';
import { requireFirst } from '../system/preloads';
import type { ServiceManager } from '../system/service-manager';
import { dieWithManager } from '../worker/die-with-manager';
import type { Driver } from './driver';
import { writeHandover } from './handover';
import type { Holdings } from './holdings';
import { type Inheritance, variablesFor } from './inheritance';
import { newPeer, type Peer } from './peers';
import { programAsItIsNow } from './program';

/** A trial belongs to none. */
const NO_GENERATION = -1;

/** What becomes of a trial, when it is over. */
export type Verdict = { type: 'successor can start' } | { type: 'successor cannot start'; why: string };

export class Succession {
  readonly #driver: Driver;
  readonly #has: Holdings;
  readonly #serviceManager: Pick<ServiceManager, 'told' | 'descriptors'>;
  #trial: Peer | undefined;
  /** What it has said. */
  #said: Verdict | undefined;
  /** What can start, for people. */
  #what = '';
  /** What Node has to load before all others for it, if it loads any. */
  #first: string | null = null;

  constructor(driver: Driver, has: Holdings, serviceManager: Pick<ServiceManager, 'told' | 'descriptors'>) {
    this.#driver = driver;
    this.#has = has;
    this.#serviceManager = serviceManager;
  }

  /** Starts the trial of what takes over. Returns why it could not be started. The new process never returns. */
  try(): Verdict | undefined {
    try {
      const document = this.#writeHandover();
      const why = this.#startTrial(document);
      closeSync(document);
      return why === undefined ? undefined : cannotStart(why);
    } catch (error) {
      return cannotStart(error);
    }
  }

  /** With the document that the successor would find. */
  #startTrial(document: number): string | undefined {
    const addon = openAddon();
    if (typeof addon === 'string') return addon;
    const born = this.#has.births.bear({ role: 'trial' });
    if (!(born instanceof Error) && 'manager' in born) this.#becomeTrial(born, document, addon);
    closeSync(addon);
    if (born instanceof Error) return born.message;
    this.#said = undefined;
    [this.#what, this.#first] = ['', null];
    this.#trial = newPeer('trial', born.pid, NO_GENERATION, born.channel);
    this.#has.peers.add(this.#trial);
    return undefined;
  }

  /** Answers why it must not be said. */
  hear(
    peer: Peer,
    said: Extract<ToManager, { type: 'trial' | 'can start' | 'cannot start' }>,
  ): string | undefined {
    if (peer.role !== 'trial') return 'ended a trial that was not under way';
    // Given up, which it could not know yet: its end is waited for.
    if (peer !== this.#trial) return undefined;
    if (said.type === 'trial') {
      if (this.#what !== '') return 'said twice what it is';
      [this.#what, this.#first] = [said.what, said.first];
      return undefined;
    }
    if (said.type === 'can start' && this.#what === '') return 'passed a trial that it had not begun';
    this.#said = said.type === 'can start' ? { type: 'successor can start' } : cannotStart(said.why);
    return undefined;
  }

  /** undefined: it was not the trial. Until it has ended, what it said may be followed by a crash. */
  ended(peer: Peer, exit: WorkerExit): Verdict | undefined {
    if (peer !== this.#trial) return undefined;
    this.#trial = undefined;
    if (this.#said?.type === 'successor can start' && exit.code !== 0) this.#said = undefined;
    return this.#said ?? cannotStart(`its trial ${describeExit(exit)}`);
  }

  /** The end of the trial is no verdict any more. */
  giveUp(): void {
    const pid = this.#trial?.pid;
    this.#trial = undefined;
    if (pid !== undefined) this.#driver.kill(pid, 'SIGKILL');
  }

  /** Becomes the other program. Returns why it could not; then all is as before. */
  takePlace(): Verdict {
    try {
      const kept: number[] = [];
      const document = this.#writeHandover(kept);
      const why = this.#become(document, kept);
      closeSync(document);
      return cannotStart(why);
    } catch (error) {
      return cannotStart(error);
    }
  }

  /** @param kept gets the descriptors that it names */
  #writeHandover(kept: number[] = []): number {
    const keep = (fd: number) => {
      kept.push(fd);
      return fd;
    };
    return writeHandover(this.#has.handOver(this.#driver, this.#what, keep));
  }

  #become(document: number, kept: readonly number[]): string {
    const addon = openAddon();
    if (typeof addon === 'string') return addon;
    const { told, descriptors } = this.#serviceManager;
    const inheritance: Inheritance = { role: 'successor', document, channel: null, addon };
    const why = become(inheritance, { ...told, ...this.#options() }, [
      document,
      addon,
      ...kept,
      ...descriptors,
    ]);
    closeSync(addon);
    return why;
  }

  #options(): { NODE_OPTIONS?: string } {
    return this.#first === null
      ? {}
      : { NODE_OPTIONS: requireFirst(this.#first, process.env['NODE_OPTIONS']) };
  }

  /* child */
  #becomeTrial({ channel, manager }: Newcomer, document: number, addon: number): never {
    const { told, descriptors } = this.#serviceManager;
    dieWithManager(manager);
    const inheritance: Inheritance = { role: 'trial', document, channel: channel.fd, addon };
    // It is not to tell anybody that it is ready.
    const { NOTIFY_SOCKET: _, WATCHDOG_USEC: __, ...sockets } = told;
    if (sockets['LISTEN_PID'] !== '') sockets['LISTEN_PID'] = String(binding.process_getpid());
    const why = become(inheritance, sockets, [document, addon, channel.fd, ...descriptors]);
    channel.send({ type: 'cannot start', why });
    return binding.process_exit(127);
  }
}

function cannotStart(why: unknown): Verdict {
  return { type: 'successor cannot start', why: why instanceof Error ? why.message : String(why) };
}

/** Answers why it cannot be had. */
function openAddon(): number | string {
  try {
    return openSync(addonFile(), 'r');
  } catch (error) {
    return String(error instanceof Error ? error.message : error);
  }
}

/** Returns only if it cannot. */
function become(
  inheritance: Inheritance,
  told: Readonly<Record<string, string>>,
  descriptors: readonly number[],
): string {
  const { path, args } = programAsItIsNow();
  const { LD_PRELOAD: preload, ...own } = process.env as Record<string, string | undefined>;
  const heard = Object.fromEntries(Object.entries(told).filter(([, value]) => value !== ''));
  const environment = Object.entries({ ...own, ...heard, ...variablesFor(inheritance, preload) });
  const result = binding.process_hand_over(
    path,
    args,
    environment.flatMap(([name, value]) => (value === undefined ? [] : `${name}=${value}`)),
    supervisedSignals(),
    Int32Array.from(new Set(descriptors)),
  );
  return systemError(result, 'execve', { address: path }).message;
}
