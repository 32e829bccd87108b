/** What the manager shows of itself: put together when something has changed, and at no other time. */
import { binding } from '../../base/binding';
import { version } from '../../base/version';
import { checkInterval, type State, staying, type Worker } from '../policy';
import { reopenCount } from '../scoreboard';
import { LONGEST_REASON, type Shown, type ShownProcess } from '../shown/form';
import { readShown, ShownFile } from '../shown/shown-file';
import type { Addresses } from './addresses';
import type { Chronicle } from './chronicle';
import type { Generation } from './generation';
import type { Peer, Peers } from './peers';

/** Of what the manager holds. */
interface ShownOf {
  peers: Peers;
  addresses: Addresses;
  chronicle: Chronicle;
  generations: ReadonlyMap<number, Generation>;
}

export class Showing {
  readonly file: ShownFile;
  readonly #of: ShownOf;
  readonly #pid = binding.process_getpid();
  readonly #program = { prefork: version(), node: process.version };
  #seen: unknown[] = [];
  #generation: number | null = null;
  #since: number | null = null;

  /** @param fd the file, if an earlier program of this process has made it */
  constructor(of: ShownOf, fd?: number) {
    this.#of = of;
    this.file = new ShownFile(fd);
    if (fd !== undefined) this.#goOn(readShown(fd));
  }

  show(state: State): void {
    const seen = this.#whatMatters(state);
    if (seen.every((each, index) => each === this.#seen[index])) return;
    this.#seen = seen;
    this.file.show(this.#shownOf(state));
  }

  #goOn(shown: Shown | undefined): void {
    this.#generation = shown?.generation ?? null;
    this.#since = shown?.since ?? null;
    if (shown === undefined) return;
    this.#of.peers.ended = shown.ended;
    this.#of.chronicle.goOn(shown);
  }

  /** Of each event the policy makes a new state, most of whose parts stay the same. */
  #whatMatters(state: State): unknown[] {
    const { phase, newest, generation, everLoaded, rolling, candidate, refused, slots, workers, templates } =
      state;
    const parts = [phase, newest, generation, everLoaded, rolling, candidate, refused, slots, workers];
    const { peers, addresses, chronicle } = this.#of;
    return [
      ...parts,
      templates,
      state.rules,
      state.resizes,
      state.restarts,
      peers.changes,
      chronicle.told,
      addresses.count,
      reopenCount(),
    ];
  }

  #shownOf(state: State): Shown {
    const { phase, newest, everLoaded, rolling, candidate, refused } = state;
    const generation = everLoaded ? state.generation : null;
    if (generation !== this.#generation) this.#since = Date.now();
    this.#generation = generation;
    const { endpoints } = this.#of.addresses;
    const settings = this.#of.generations.get(state.generation)?.settings;
    return {
      pid: this.#pid,
      ...this.#program,
      phase,
      name: settings?.name ?? null,
      application: settings?.application ?? null,
      newest,
      generation,
      since: this.#since,
      isReplacing: rolling || candidate !== null || !everLoaded,
      refused: refused && { ...refused, why: refused.why.slice(0, LONGEST_REASON) },
      addresses: endpoints.map(({ name }) => name),
      unixSockets: Object.fromEntries(
        endpoints.flatMap(({ name, inode }) => (inode === null ? [] : [[name, inode]])),
      ),
      wanted: staying(state).length,
      resizes: state.resizes,
      ended: this.#of.peers.ended,
      crashes: state.restarts,
      ...this.#of.chronicle.told,
      reopened: reopenCount(),
      interval: checkInterval(state.rules),
      processes: processesOf(this.#of.peers, state),
    };
  }
}

function processesOf(peers: Peers, { workers }: State): ShownProcess[] {
  const byPid = new Map(workers.map((worker) => [worker.pid, worker]));
  return peers.all().flatMap((peer) => processOf(peer, byPid.get(peer.pid)));
}

function processOf({ pid, role, generation, row }: Peer, worker: Worker | undefined): ShownProcess[] {
  if (role === 'trial' || role === 'configuration') return [];
  if (role !== 'worker') return [{ pid, role, generation, worker: null }];
  if (worker === undefined || row === null) return [];
  const { id, restarts, phase, startedAt } = worker;
  return [{ pid, role, generation, worker: { id, restarts, phase, startedAt, row: row.index } }];
}
