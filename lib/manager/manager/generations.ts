/** The life of a generation in the manager: it is loaded, serves, retires, and is forgotten. */
import type { Unsharable } from '../channel/messages';
import type { Newcomer } from '../place';
import { isPreloaded, rulesOf } from '../rules';
import type { PlainSettings, WorkerExit } from '../settings';
import { PidFile } from '../system/pid-file';
import type { Driver } from './driver';
import { explainLoads } from './explain-loads';
import { type Generation, newGeneration } from './generation';
import type { Holdings } from './holdings';
import { newPeer, type Peer } from './peers';

export class Generations {
  readonly #driver: Driver;
  readonly #has: Holdings;

  constructor(driver: Driver, has: Holdings) {
    this.#driver = driver;
    this.#has = has;
  }

  /** Forks a template. Returns something in the new process only. */
  load(number: number): Newcomer | undefined {
    const generation = newGeneration(number);
    this.#has.generations.set(number, generation);
    const born = this.#has.births.bear({ role: 'template' });
    if (born instanceof Error) {
      this.#has.log.now({
        level: 'error',
        event: 'fork_failed',
        message: `No template could be started: ${born.message}`,
      });
      this.#templateExited(number, { code: 1, signal: null });
      return undefined;
    }
    if ('manager' in born) return born;
    generation.template = newPeer('template', born.pid, number, born.channel);
    this.#has.peers.add(generation.template);
    return undefined;
  }

  unload(number: number, gently: boolean): void {
    const template = this.#has.generations.get(number)?.template;
    // One that has become a worker ends as workers do.
    if (template == null) this.#templateExited(number, { code: 0, signal: null });
    else this.#driver.kill(template.pid, gently ? 'SIGTERM' : 'SIGKILL');
  }

  retire(number: number): void {
    const generation = this.#has.generations.get(number);
    if (generation === undefined) return;
    generation.isRetired = true;
    const serving = this.#has.generations.get(this.#driver.state.generation)?.settings;
    if (serving != null) this.#has.log.setFormat(serving.logFormat);
  }

  /** Retired generations without a process, and the addresses that only they have asked for. */
  forget(): void {
    const { generations, peers, datagrams, addresses, announcements } = this.#has;
    for (const { number, isRetired } of generations.values()) {
      if (isRetired && !peers.all().some((peer) => peer.generation === number)) {
        generations.delete(number);
        datagrams.keep((each) => generations.has(each));
        for (const endpoint of addresses.keep((each) => generations.has(each))) {
          announcements.ended(endpoint);
        }
      }
    }
  }

  // --- What its template says ---

  isLoading(peer: Peer, { template, number }: Generation): boolean {
    return (
      peer === template &&
      peer.isConfigured &&
      this.#driver.state.templates.some(
        ({ generation, phase }) => generation === number && phase === 'loading',
      )
    );
  }

  /**
   * Once, before any code of the application runs: these come from the configuration, which is trusted. Returns in what
   * that breaks the protocol; undefined: it does not.
   */
  configure(peer: Peer, generation: Generation, settings: PlainSettings): string | undefined {
    if (peer.isConfigured) return 'sent its settings twice';
    peer.isConfigured = true;
    if (peer.role !== 'template') return undefined;
    generation.settings = settings;
    if (settings.umask !== null) process.umask(settings.umask);
    if (generation.number === this.#driver.state.generation) this.#has.log.setFormat(settings.logFormat);
    this.#driver.tell({ type: 'configured', generation: generation.number, rules: rulesOf(settings) });
    if (!isPreloaded(settings, this.#has.births.couldNotBeShared)) this.#waitsToWork(generation);
    return undefined;
  }

  loaded(generation: Generation): void {
    generation.isAsleep = true;
    this.#has.reopenedLogs.tell(generation);
    this.#canBeForked(generation);
  }

  notShared(generation: Generation, unsharable: Unsharable): void {
    this.#has.births.couldNotBeShared = true;
    this.#has.log.now({ level: 'warning', event: 'preload_given_up', message: explainLoads(unsharable) });
    this.#waitsToWork(generation);
  }

  templateEnded(generation: Generation, exit: WorkerExit): void {
    generation.template = null;
    // First: the forks that it owes are no reason to ask it for more.
    this.#templateExited(generation.number, exit);
    this.#has.newWorkers.templateEnded(generation);
  }

  #templateExited(generation: number, exit: WorkerExit): void {
    this.#driver.tell({ type: 'template exited', generation, exit });
  }

  /** Its template becomes the first of its workers instead. */
  #waitsToWork(generation: Generation): void {
    generation.isShared = false;
    generation.isIdle = true;
    this.#canBeForked(generation);
  }

  #canBeForked(generation: Generation): void {
    const { settings, number } = generation;
    if (settings === null) return;
    if (number === this.#driver.state.generation) this.#beginToServe(settings);
    this.#has.announcements.announce(generation.endpoints, settings);
    this.#driver.tell({ type: 'loaded', generation: number, rules: rulesOf(settings) });
  }

  /** Once. */
  #beginToServe({ pidFile, title }: PlainSettings): void {
    if (title !== null) process.title = `${title}: manager`;
    if (pidFile === null) return;
    try {
      this.#has.pidFile = new PidFile(pidFile);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#has.log.now({ level: 'error', event: 'pid_file_failed', message });
      this.#driver.end(1);
    }
  }
}
