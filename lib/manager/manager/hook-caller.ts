/** How the manager has hooks called that watch workers: it tells the attendant, and never waits for it. */
import { closeSync } from 'node:fs';
import { binding } from '../../base/binding';
import { systemError } from '../../base/errors';
import { monotonic } from '../../base/timers';
import type { Newcomer } from '../place';
import { describeExit, seconds } from '../policy/words';
import { DEFAULTS, type PlainSettings, type WorkerExit } from '../settings';
import { AttendantRestarts } from './attendant-restarts';
import type { Births } from './births';
import { Farewells } from './farewells';
import type { OwnLog } from './own-log';
import { newPeer, type Peer, type Peers } from './peers';

/** The process that calls them. */
interface Attendant {
  peer: Peer;
  /** Events go there, an object a line. */
  line: number;
  bornAt: number;
  settings: Pick<PlainSettings, 'restart' | 'gracefulTimeout'>;
}

export class HookCaller {
  readonly #peers: Peers;
  readonly #births: Births;
  readonly #log: OwnLog;
  readonly #openStatus: () => number[];
  readonly #kill: (pid: number) => void;
  readonly #restarts = new AttendantRestarts();
  readonly #farewells = new Farewells<Peer>();
  #attendant: Attendant | undefined;

  /**
   * @param openStatus descriptors by which it serves the status, if it is to: the first is closed when it has been sent
   * @param kill ends one that takes too long
   */
  constructor(
    peers: Peers,
    births: Births,
    log: OwnLog,
    { openStatus, kill }: { openStatus(): number[]; kill(pid: number): void },
  ) {
    this.#peers = peers;
    this.#births = births;
    this.#log = log;
    this.#openStatus = openStatus;
    this.#kill = kill;
  }

  /** Starts an attendant for this generation, if it has hooks that watch. Returns something in the new process only. */
  attend(generation: number, settings: PlainSettings | null): Newcomer | undefined {
    if (this.#attendant !== undefined && this.#attendant.peer.generation !== generation) this.dismiss();
    if (this.#attendant !== undefined || settings?.watches !== true) return undefined;
    if (monotonic() < this.#restarts.notBefore) return undefined;
    const ends = new Int32Array(2);
    const paired = binding.process_socketpair(ends);
    if (paired < 0) return this.#notForked(systemError(paired, 'socketpair'), settings);
    const [own = -1, others = -1] = ends;
    const born = this.#births.bear({ role: 'attendant', settings, line: others });
    if (!(born instanceof Error) && 'manager' in born) {
      binding.socket_close(own);
      return born;
    }
    binding.socket_close(others);
    if (born instanceof Error) {
      binding.socket_close(own);
      return this.#notForked(born, settings);
    }
    const peer = newPeer('attendant', born.pid, generation, born.channel);
    this.#peers.add(peer);
    this.#attendant = { peer, line: own, bornAt: monotonic(), settings };
    this.#sendStatus(peer);
    return undefined;
  }

  /** No process, memory or descriptor is left. */
  #notForked({ message }: Error, { restart }: PlainSettings): undefined {
    const delay = this.#restarts.notForked(monotonic(), restart);
    this.#log.note({
      level: 'error',
      event: 'fork_failed',
      message: `No attendant could be started: ${message}. It is tried again in ${seconds(delay)}`,
    });
  }

  /** Without room for descriptors it serves none. */
  #sendStatus({ channel }: Peer): void {
    try {
      const [shown, ...others] = this.#openStatus();
      channel.trySend({ type: 'status' }, shown === undefined ? [] : [shown, ...others]);
      if (shown !== undefined) closeSync(shown);
    } catch {
      // No descriptor is left.
    }
  }

  /** Never waits: an attendant that is too far behind loses the event. */
  tell(event: object): void {
    if (this.#attendant === undefined) return;
    const text = Buffer.from(`${JSON.stringify(event)}\n`);
    binding.channel_send(this.#attendant.line, text, new Int32Array(0));
  }

  /** The attendant ends when it has called the hooks for all that it was told. */
  dismiss(): void {
    if (this.#attendant === undefined) return;
    const { line, peer, settings } = this.#attendant;
    binding.socket_close(line);
    this.#farewells.begin(peer, monotonic() + settings.gracefulTimeout);
    this.#attendant = undefined;
  }

  /** Those of an earlier program of this process, which has dismissed them. */
  takeOver(): void {
    const attendants = this.#peers.all().filter(({ role }) => role === 'attendant');
    for (const peer of attendants) this.#farewells.begin(peer, monotonic() + DEFAULTS.gracefulTimeout);
  }

  /** A hook that never comes to its end would leave one behind with each reload. */
  endLate(): void {
    for (const peer of this.#farewells.late(monotonic())) {
      this.#log.note({
        level: 'warning',
        event: 'attendant_ended',
        message: `The attendant of generation ${peer.generation} was replaced, and still calls hooks: killing it`,
        pid: peer.pid,
      });
      this.#kill(peer.pid);
    }
  }

  ended(peer: Peer, exit: WorkerExit): void {
    if (peer === this.#attendant?.peer) this.#endedUnasked(this.#attendant, exit);
    this.#farewells.ended(peer);
  }

  #endedUnasked({ peer, bornAt, settings }: Attendant, exit: WorkerExit): void {
    const now = monotonic();
    const delay = this.#restarts.ended(now, now - bornAt, settings.restart);
    this.dismiss();
    const next = delay === 0 ? '' : `; the next one starts in ${seconds(delay)} at the earliest`;
    this.#log.note({
      level: 'warning',
      event: 'attendant_ended',
      message: `The attendant, which calls hooks and serves the status, ${describeExit(exit)}${next}`,
      pid: peer.pid,
    });
  }

  /** When the next one may start, or one takes too long, in milliseconds of the monotonic clock; Infinity: never. */
  nextAt(now: number): number {
    const { notBefore } = this.#restarts;
    return Math.min(notBefore > now ? notBefore : Number.POSITIVE_INFINITY, this.#farewells.next);
  }

  /** In a child. */
  letGo(): void {
    if (this.#attendant !== undefined) binding.socket_close(this.#attendant.line);
  }
}
