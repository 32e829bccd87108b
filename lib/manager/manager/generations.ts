/** The life of a generation in the manager: it is configured, loaded, serves, retires, and is forgotten. */
import type { Unsharable } from '../channel/messages';
import type { Newcomer } from '../place';
import { rulesOf } from '../rules';
import type { Configuration, Found, Identity, PlainSettings, WorkerExit } from '../settings';
import { PidFile } from '../system/pid-file';
import type { Driver } from './driver';
import { explainLoads } from './explain-loads';
import { type Generation, newGeneration } from './generation';
import type { Holdings } from './holdings';
import { newPeer, type Peer } from './peers';

export const NOT_TO_READ = 'reported a configuration that it was not to read';

export class Generations {
  readonly #driver: Driver;
  readonly #has: Holdings;
  readonly #configuration: Configuration;

  constructor(driver: Driver, has: Holdings, configuration: Configuration) {
    this.#driver = driver;
    this.#has = has;
    this.#configuration = configuration;
  }

  /** Finds out its settings, in a process of its own if there is something to read. Returns something there only. */
  configure(number: number): Newcomer | undefined {
    const generation = newGeneration(number);
    this.#has.generations.set(number, generation);
    const settings = this.#configuration.atOnce();
    if (settings === undefined) return this.#bear('configuration', generation);
    this.#configured(generation, settings);
    return undefined;
  }

  /** Forks a template. Returns something in the new process only. */
  load(number: number): Newcomer | undefined {
    const generation = this.#has.generations.get(number);
    return generation === undefined ? undefined : this.#bear('template', generation);
  }

  #bear(role: 'configuration' | 'template', generation: Generation): Newcomer | undefined {
    const { number, settings } = generation;
    const born = this.#has.births.bear({ role, settings });
    if (born instanceof Error) {
      const what = role === 'template' ? 'No template' : 'No process that reads the configuration';
      const why = `${what} could be started: ${born.message}`;
      this.#has.log.note({ level: 'error', event: 'fork_failed', message: why });
      this.#templateExited(number, { code: 1, signal: null }, why);
      return undefined;
    }
    if ('manager' in born) return born;
    generation.template = newPeer(role, born.pid, number, born.channel);
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

  isLoading(peer: Peer, generation: Generation): boolean {
    return peer === generation.template && this.#isIn('loading', generation);
  }

  /** Another one is loaded in its place, or none any more. */
  isGivenUp(peer: Peer, generation: Generation): boolean {
    return peer === generation.template && this.#isIn('ending', generation);
  }

  #isIn(phase: 'configuring' | 'loading' | 'ending', { number }: Generation): boolean {
    return this.#driver.state.templates.some((each) => each.generation === number && each.phase === phase);
  }

  /** A process has read the configuration. Returns in what that breaks the protocol; undefined: it does not. */
  found(peer: Peer, generation: Generation, found: Found): string | undefined {
    if (peer.role !== 'configuration' || generation.settings !== null) return NOT_TO_READ;
    // Given up meanwhile: its end is waited for.
    if (!this.#isIn('configuring', generation)) return undefined;
    this.#configured(generation, this.#configuration.complete(found));
    generation.template = null;
    this.dismiss(peer);
    return undefined;
  }

  /** There is nothing more to hear from it. */
  dismiss({ channel, pid, hasEnded }: Peer): void {
    channel.close();
    if (!hasEnded) this.#driver.kill(pid, 'SIGKILL');
  }

  #configured(generation: Generation, settings: PlainSettings): void {
    const rules = rulesOf(settings);
    generation.settings = settings;
    if (settings.umask !== null) process.umask(settings.umask);
    if (generation.number === this.#driver.state.generation) this.#has.log.setFormat(settings.logFormat);
    this.#driver.tell({ type: 'configured', generation: generation.number, rules });
  }

  /** By what it is known. A name that was given wins. Returns in what that breaks the protocol; undefined: it does not. */
  identified(generation: Generation, { name, application }: Identity): string | undefined {
    const { settings } = generation;
    if (settings === null || settings.application !== null) return 'said twice what it loads';
    generation.settings = { ...settings, name: settings.name ?? name, application };
    return undefined;
  }

  loaded(generation: Generation): void {
    generation.isAsleep = true;
    this.#has.reopenedLogs.tell(generation);
    this.#canBeForked(generation);
  }

  notShared(generation: Generation, unsharable: Unsharable): void {
    this.#has.births.couldNotBeShared = true;
    this.#has.log.note({ level: 'warning', event: 'preload_given_up', message: explainLoads(unsharable) });
    this.waitsToWork(generation);
  }

  templateEnded(generation: Generation, exit: WorkerExit, why?: string): void {
    generation.template = null;
    // First: the forks that it owes are no reason to ask it for more.
    this.#templateExited(generation.number, exit, why);
    this.#has.newWorkers.templateEnded(generation);
  }

  #templateExited(generation: number, exit: WorkerExit, why?: string): void {
    const event = { type: 'template exited', generation, exit } as const;
    this.#driver.tell(why === undefined ? event : { ...event, why });
  }

  /** Its template becomes the first of its workers instead. */
  waitsToWork(generation: Generation): void {
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
      this.#has.log.note({ level: 'error', event: 'pid_file_failed', message });
      this.#driver.end(1);
    }
  }
}
