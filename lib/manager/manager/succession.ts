/**
 * Another program takes the manager's process over: first it is tried in a child, then this process becomes it. What is
 * handed over, handover.ts says; how no signal is lost, native/fork/hand_over.h.
 */
import { closeSync, openSync } from 'node:fs';
import { addonFile, binding } from '../../base/binding';
import { systemError } from '../../base/errors';
import type { Newcomer } from '../place';
import { supervisedSignals } from '../place';
import { describeExit } from '../policy/words';
import type { WorkerExit } from '../settings';
import type { ServiceManager } from '../system/service-manager';
import { dieWithManager } from '../worker/die-with-manager';
import type { Births } from './births';
import { type Inheritance, variablesFor } from './inheritance';
import { newPeer, type Peer, type Peers } from './peers';
import { programAsItIsNow } from './program';

/** A trial belongs to none. */
const NO_GENERATION = -1;

/** What becomes of a trial, when it is over. */
export type Verdict = { type: 'successor can start' } | { type: 'successor cannot start'; why: string };

export class Succession {
  readonly #peers: Peers;
  readonly #births: Births;
  readonly #serviceManager: Pick<ServiceManager, 'told' | 'descriptors'>;
  #trial: Peer | undefined;
  /** What it has said. */
  #said: Verdict | undefined;
  /** What can start, for people. */
  what = '';

  constructor(peers: Peers, births: Births, serviceManager: Pick<ServiceManager, 'told' | 'descriptors'>) {
    this.#peers = peers;
    this.#births = births;
    this.#serviceManager = serviceManager;
  }

  /**
   * Starts the trial of what takes over, with the document that it would find. Returns why it could not be started. The new
   * process never returns.
   */
  try(document: number): Verdict | undefined {
    const addon = openAddon();
    if (typeof addon === 'string') return { type: 'successor cannot start', why: addon };
    const born = this.#births.bear({ role: 'trial' });
    if (!(born instanceof Error) && 'manager' in born) this.#becomeTrial(born, document, addon);
    closeSync(addon);
    if (born instanceof Error) return { type: 'successor cannot start', why: born.message };
    this.#said = undefined;
    this.#trial = newPeer('trial', born.pid, NO_GENERATION, born.channel);
    this.#peers.add(this.#trial);
    return undefined;
  }

  /** Answers why it must not be said. */
  hear(
    peer: Peer,
    said: { type: 'can start'; what: string } | { type: 'cannot start'; why: string },
  ): string | undefined {
    if (peer !== this.#trial) return 'ended a trial that was not under way';
    if (said.type === 'can start') this.what = said.what;
    this.#said =
      said.type === 'can start'
        ? { type: 'successor can start' }
        : { type: 'successor cannot start', why: said.why };
    return undefined;
  }

  /** undefined: it was not the trial. Until it has ended, what it said may be followed by a crash. */
  ended(peer: Peer, exit: WorkerExit): Verdict | undefined {
    if (peer !== this.#trial) return undefined;
    this.#trial = undefined;
    if (this.#said?.type === 'successor can start' && exit.code !== 0) this.#said = undefined;
    return this.#said ?? { type: 'successor cannot start', why: `its trial ${describeExit(exit)}` };
  }

  /** Its pid, which is to be killed; its end is no verdict any more. */
  giveUp(): number | undefined {
    const pid = this.#trial?.pid;
    this.#trial = undefined;
    return pid;
  }

  /** Becomes the other program. Returns why it could not; then all is as before. */
  takePlace(document: number, kept: readonly number[]): string {
    const addon = openAddon();
    if (typeof addon === 'string') return addon;
    const { told, descriptors } = this.#serviceManager;
    const inheritance: Inheritance = { role: 'successor', document, channel: null, addon };
    const why = become(inheritance, told, [document, addon, ...kept, ...descriptors]);
    closeSync(addon);
    return why;
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
