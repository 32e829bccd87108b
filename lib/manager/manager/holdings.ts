/** All that the manager holds: a child of it lets go of that, and another program in its process goes on with it. */
import { binding } from '../../base/binding';
import { check } from '../../base/errors';
import { openMetricsFile } from '../app-metrics/metrics-file';
import { nameBells } from '../bells';
import type { Keep } from '../listening/endpoints';
import { logFileNames } from '../log-files';
import { handedState } from '../policy';
import { openRings } from '../rings';
import type { Log, LogFormat, PlainSettings } from '../settings';
import { unwrittenLog } from '../system/log-writer';
import { OutOfMemoryWatch } from '../system/out-of-memory';
import { PidFile } from '../system/pid-file';
import type { ServiceManager } from '../system/service-manager';
import { StatusNotifier } from '../system/status-notifier';
import { TerminalWatch } from '../system/terminal';
import { Addresses } from './addresses';
import { Announcements } from './announcements';
import { Births } from './births';
import { Chronicle } from './chronicle';
import { Datagrams } from './datagrams';
import type { Driver } from './driver';
import { type Generation, handGeneration, takeGeneration } from './generation';
import { descriptorsIn, HANDOVER_VERSION, type Handover } from './handover';
import { HookCaller } from './hook-caller';
import { inheritedSockets } from './inherited-sockets';
import { ListenRequests } from './listen-requests';
import { NewWorkers } from './new-workers';
import { OwnLog } from './own-log';
import { Peers } from './peers';
import { Probes } from './probes';
import { ReopenedLogs } from './reopened-logs';
import { ScoreboardFile } from './scoreboard-file';
import { Showing } from './showing';
import { StatusAddress } from './status-address';

export class Holdings {
  readonly peers = new Peers();
  readonly generations = new Map<number, Generation>();
  readonly addresses = new Addresses();
  readonly datagrams = new Datagrams();
  readonly probes = new Probes(this.addresses);
  readonly chronicle = new Chronicle();
  readonly log: OwnLog;
  readonly announcements: Announcements;
  readonly listenRequests: ListenRequests;
  readonly births: Births;
  readonly newWorkers: NewWorkers;
  readonly hooks: HookCaller;
  readonly scoreboard: ScoreboardFile;
  /** All children keep these: workers leave there what others read. */
  readonly metrics: number;
  readonly rings: number;
  readonly bells: string;
  readonly reopenedLogs: ReopenedLogs;
  readonly status: StatusNotifier;
  readonly showing: Showing;
  readonly statusAddress: StatusAddress;
  readonly terminal: TerminalWatch;
  readonly outOfMemory: OutOfMemoryWatch;
  pidFile: PidFile | undefined;

  /**
   * @param known what is known of the settings before they are read
   * @param left by an earlier program of this process; `takeOver` is to follow
   */
  constructor(
    driver: Driver,
    { makeLog, known }: { makeLog(format: LogFormat): Log; known: PlainSettings },
    notify: ServiceManager['notify'],
    left: Handover | null,
  ) {
    this.log = new OwnLog(makeLog, known.logFormat, (entry) => this.chronicle.logged(entry));
    this.announcements = new Announcements(this.log.note);
    this.listenRequests = new ListenRequests(
      this.addresses,
      this.announcements,
      this.log.note,
      left === null ? inheritedSockets() : new Set(left.inherited),
    );
    this.births = new Births(known, { fail: (error) => driver.fail(error), letGo: () => this.letGo() });
    this.newWorkers = new NewWorkers({
      peers: this.peers,
      generations: this.generations,
      births: this.births,
      tell: (event) => driver.tell(event),
      ended: (worker, status) => driver.ended(worker, status),
    });
    this.statusAddress = new StatusAddress(this.log.note);
    this.scoreboard = new ScoreboardFile(left?.scoreboard);
    this.metrics = openMetricsFile(left?.metrics);
    this.rings = openRings(left?.rings);
    this.bells = nameBells(left?.bells);
    this.showing = new Showing(this, left?.published);
    this.hooks = new HookCaller(this.peers, this.births, this.log, {
      openStatus: () => this.#statusDescriptors(),
      kill: (pid) => driver.kill(pid, 'SIGKILL'),
    });
    this.status = new StatusNotifier(notify, left?.said);
    this.terminal = new TerminalWatch(left?.hadTerminal);
    this.outOfMemory = new OutOfMemoryWatch('/', left?.killedOutOfMemory);
    this.reopenedLogs = new ReopenedLogs(left?.log.reopened);
  }

  /** A child has none of the manager's descriptors but its own channel. */
  letGo(): void {
    this.pidFile?.leave();
    this.peers.letGo();
    this.addresses.letGo();
    this.datagrams.letGo();
    this.newWorkers.letGo();
    this.hooks.letGo();
    this.showing.file.letGo();
    this.statusAddress.letGo();
    this.scoreboard.letGo();
  }

  /** Files that nobody else has a use for, at the end. */
  removeFiles(): void {
    this.pidFile?.remove();
    this.addresses.removeFiles();
    this.statusAddress.removeFile();
  }

  /** For another program in this process. */
  handOver({ state }: Pick<Driver, 'state'>, successor: string, keep: Keep): Handover {
    const { endpoints } = this.addresses;
    const { fd: scoreboard } = this.scoreboard;
    if (scoreboard === null) throw new Error('a module that was loaded before it has used sharedCounters()');
    const pidFile = this.pidFile?.held ?? null;
    if (pidFile !== null) keep(pidFile.fd);
    return {
      version: HANDOVER_VERSION,
      successor,
      scoreboard: keep(scoreboard),
      metrics: keep(this.metrics),
      rings: keep(this.rings),
      published: keep(this.showing.file.fd),
      bells: this.bells,
      pidFile,
      log: { unwritten: unwrittenLog(), names: logFileNames(), reopened: [...this.reopenedLogs.reopened] },
      hadTerminal: this.terminal.hadOne,
      killedOutOfMemory: this.outOfMemory.seen,
      said: this.status.said,
      couldNotBeShared: this.births.couldNotBeShared,
      inherited: [...this.listenRequests.inherited],
      addresses: this.addresses.handOver(keep),
      statusAddress: this.statusAddress.handOver(keep),
      datagrams: this.datagrams.handOver(keep),
      found: [...this.probes.chosen],
      generations: [...this.generations.values()].map((each) => handGeneration(each, endpoints)),
      peers: this.peers.handOver(keep),
      state: handedState(state),
    };
  }

  /** What the attendant serves: what is shown, for reading, and its socket. */
  #statusDescriptors(): number[] {
    const { fd } = this.statusAddress;
    return fd === undefined ? [] : [this.showing.file.openForReading(), fd];
  }

  takeOver(left: Handover): void {
    for (const fd of descriptorsIn(left)) check(binding.process_close_on_exec(fd), 'fcntl');
    this.births.couldNotBeShared = left.couldNotBeShared;
    this.pidFile = left.pidFile === null ? undefined : new PidFile(left.pidFile);
    this.addresses.takeOver(left.addresses);
    this.statusAddress.takeOver(left.statusAddress);
    this.datagrams.takeOver(left.datagrams);
    for (const [place, port] of left.found) this.probes.chosen.set(place, port);
    this.announcements.takeOver(this.addresses.endpoints);
    this.peers.takeOver(left.peers);
    this.hooks.takeOver();
    for (const each of left.generations) {
      const generation = takeGeneration(each, this.peers, this.addresses.endpoints);
      this.generations.set(generation.number, generation);
    }
  }
}
