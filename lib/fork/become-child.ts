/** What JavaScript state the child of a fork must change, one function each. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { binding, hasAddon } from '../base/binding';
import { writeAll } from '../base/blocking-write';
import { systemError } from '../base/errors';
import { forgetAsyncWaits } from '../wait/wait-async';
import { leaveEsbuilds } from './esbuild';
import { type Estate, inspector, takeStock } from './estate';
import { leaveCluster } from './leave-cluster';
import { type ChannelOwner, dropMessagesDue } from './messages-due';
import { reseedRandom } from './random';
import { cryptoCachesInAnyCase } from './random/crypto-caches';
import { mayHaveOlderThreads } from './worker-threads';

/** The parts of Node's internals that are touched here; all have been the same since Node 16. */
interface Handle {
  close(): void;
  readStop?(): void;
}
interface HandleOwner {
  _handle?: Handle | null;
}

function takeNewPid({ processes }: Estate): void {
  const pid = binding.process_getpid();
  for (const object of processes) {
    Object.defineProperty(object, 'pid', {
      value: pid,
      configurable: true,
      enumerable: true,
      writable: false,
    });
  }
}

/** Jest's copy of `process` has the number that the parent's parent had; the real one asks the kernel each time. */
function takeNewParent({ processes }: Estate): void {
  const [, ...copies] = processes;
  for (const object of copies) {
    Object.defineProperty(object, 'ppid', {
      get: () => binding.process_getppid(),
      configurable: true,
      enumerable: true,
    });
  }
}

/** Closes this process's copy of a descriptor without a word to the other side. */
function letGo(owner: HandleOwner | null | undefined): void {
  const handle = owner?._handle;
  if (handle === null || handle === undefined || owner === null || owner === undefined) return;
  handle.readStop?.();
  handle.close();
  owner._handle = null;
}

/** `channel` is only a control for users; the handle is kept under a symbol (lib/internal/child_process.js). */
function channelKey(owner: object): symbol | undefined {
  return Object.getOwnPropertySymbols(owner).find(({ description }) => description === 'kChannelHandle');
}

function letGoOfChannel(owner: ChannelOwner): void {
  const key = channelKey(owner);
  const channel: Handle | null | undefined = key === undefined ? null : Reflect.get(owner, key);
  if (key === undefined || channel === null || channel === undefined) return;
  channel.readStop?.();
  channel.close();
  Reflect.set(owner, key, null);
  owner.channel = null;
  owner.connected = false;
}

/** The channel belongs to the original: the child neither writes to it nor reads, and `disconnect` does not come. */
function leaveChannel({ onChannel }: Estate): void {
  for (const object of onChannel) {
    const { channel } = object;
    letGoOfChannel(object as ChannelOwner);
    for (const name of ['send', 'disconnect', 'connected', 'channel', '_channel', '_send', '_disconnect']) {
      Reflect.deleteProperty(object, name);
    }
    hearNoClosedChannel(object);
    dropMessagesDue(object as ChannelOwner, channel);
  }
}

/**
 * Code that kept a reference to `process.send` from before the fork and calls it in the child gets `ERR_IPC_CHANNEL_CLOSED`
 * as an 'error' event (lib/internal/child_process.js, `target.send`). That ends the child, if nobody listens, or because
 * somebody does (vitest). But nothing has gone wrong here.
 */
function hearNoClosedChannel(object: NodeJS.Process): void {
  const { emit } = object;
  const value = (...parameters: unknown[]): unknown => {
    const [name, error] = parameters as [string, NodeJS.ErrnoException | undefined];
    const isClosedChannel = name === 'error' && error?.code === 'ERR_IPC_CHANNEL_CLOSED';
    return isClosedChannel ? false : Reflect.apply(emit, object, parameters);
  };
  Object.defineProperty(object, 'emit', { value, configurable: true, writable: true });
}

/** The parent's children: no exit event can come, kill() must not reach them, and their pipes are the parent's to read. */
function disownChildProcesses({ childProcesses }: Estate): void {
  for (const handle of childProcesses) {
    const { channel } = handle;
    letGoOfChannel(handle as ChannelOwner);
    dropMessagesDue(handle as ChannelOwner, channel);
    for (const stream of handle.stdio ?? []) letGo(stream as unknown as HandleOwner | null);
    letGo(handle as unknown as HandleOwner);
  }
}

/** A server that the child closes takes its file away from nobody. */
function disownSocketFiles({ ownsSocketFiles }: Estate): void {
  if (ownsSocketFiles) binding.loop_disown_socket_files();
}

function leaveInspector({ inspectorPort }: Estate, port: number | undefined): void {
  if (inspectorPort !== 0) inspector()?.close();
  if (port !== undefined) inspector()?.open(port);
}

/** Without CAP_DAC_READ_SEARCH only the loop knows which files it watches (native/fork/inotify.h). */
function watchFilesAgain(): void {
  const result = binding.restart_lost_watchers();
  if (result >= 0) return;
  const { message } = systemError(result, 'inotify_add_watch');
  process.emitWarning(`fs.watch() has stopped watching a file in a forked child: ${message}`, 'ForkWarning');
}

/** A worker's streams are messages to its parent's loop, which would come too late when the process ends. */
function writeDirectly(stream: NodeJS.WriteStream, fd: number): void {
  stream._writev = (chunks, done) => {
    try {
      for (const { chunk, encoding } of chunks) writeAll(fd, Buffer.from(chunk, encoding));
      done();
    } catch (error) {
      done(error as Error);
    }
  };
}

/** So is what a worker throws: an 'error' event of its Worker. */
function sayWhatIsThrown(object: NodeJS.Process): void {
  object.on('uncaughtExceptionMonitor', (error) => {
    if (object.listenerCount('uncaughtException') === 0) writeAll(2, `Uncaught ${inspect(error)}\n`);
  });
}

/**
 * A worker that has forked: `process.exit`, or an exception, ends the child, and not only this thread of it while the
 * copies of the others go on. (lib/internal/process/per_thread.js: all ways to exit end in `reallyExit`, once the
 * listeners have run.)
 */
function becomeMainThread({ worker }: Estate): void {
  if (worker === undefined) return;
  Reflect.set(worker, 'reallyExit', (status: number) => binding.process_exit(status));
  writeDirectly(worker.stdout, 1);
  writeDirectly(worker.stderr, 2);
  sayWhatIsThrown(worker);
}

/** What each environment has to put right for itself, the forking one and those that live on beside it. */
function takeNewIdentity(estate: Estate): void {
  takeNewPid(estate);
  takeNewParent(estate);
  forgetAsyncWaits(estate.asyncWaits);
  reseedRandom(estate.randomSources);
  leaveChannel(estate);
  leaveCluster(estate);
  disownChildProcesses(estate);
  leaveEsbuilds(estate.esbuilds);
  disownSocketFiles(estate);
  watchFilesAgain();
}

/** Every step, in the child, before any code of the program runs in this thread. */
export function becomeChild(estate: Estate, { inspectPort }: { inspectPort?: number }): void {
  takeNewIdentity(estate);
  becomeMainThread(estate);
  leaveInspector(estate, inspectPort);
}

function listenWith(secrets: Uint8Array[]): void {
  binding.on_fork_elsewhere(() => takeNewIdentity(takeStock()), secrets);
}

/** From now on there is another thread. What it forks must not know what node:crypto draws in this one, from the first time on. */
function listenWithSecrets(): void {
  unsubscribe('worker_threads', listenWithSecrets);
  listenWith(cryptoCachesInAnyCase());
}

/** Once, when the package is loaded: this thread may live on in the child of another thread's fork. */
export function listenForForksElsewhere(): void {
  if (!hasAddon) return;
  if (mayHaveOlderThreads()) {
    listenWith(cryptoCachesInAnyCase());
  } else {
    listenWith([]);
    subscribe('worker_threads', listenWithSecrets);
  }
}
