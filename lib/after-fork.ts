/** What JavaScript state the child of a fork must change, one function each. */
import { ChildProcess } from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
import { binding } from './binding';
import { check, preforkError, systemError } from './errors';
import { reseedRandom } from './random';
import { forgetAsyncWaits } from './wait';

const cluster = require('node:cluster') as import('node:cluster').Cluster;

/** The parts of Node's internals that are touched here; all have been the same since Node 16. */
interface Handle {
  close(): void;
  readStop?(): void;
}
interface HandleOwner {
  _handle?: Handle | null;
}
interface ChannelOwner {
  channel?: unknown;
  connected?: boolean;
}
interface ProcessInternals extends NodeJS.Process {
  _getActiveHandles(): unknown[];
}

/** Both the real one and, in a sandbox like Jest's, the copy that this module sees. */
function processObjects(): ProcessInternals[] {
  return [...new Set([binding.wait_real_process(), process])] as ProcessInternals[];
}

function takeNewPid(): void {
  const pid = binding.process_getpid();
  for (const object of processObjects()) {
    Object.defineProperty(object, 'pid', {
      value: pid,
      configurable: true,
      enumerable: true,
      writable: false,
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
function leaveChannel(): void {
  for (const object of processObjects()) {
    if (object.channel === undefined || object.channel === null) continue;
    letGoOfChannel(object as ChannelOwner);
    for (const name of ['send', 'disconnect', 'connected', 'channel', '_channel', '_send', '_disconnect']) {
      Reflect.deleteProperty(object, name);
    }
    hearNoClosedChannel(object);
  }
}

/**
 * Whoever has put `process.send` aside before the fork and calls it in the child gets `ERR_IPC_CHANNEL_CLOSED` as an
 * 'error' event (lib/internal/child_process.js, `target.send`), which ends the child: if nobody listens, or because
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

/**
 * The primary knows nothing of the child, which has no channel to it: as a worker, its servers would wait for ever for
 * the primary's answer instead of listening. The workers of a primary are not its child's, either.
 */
function leaveCluster(): void {
  const workers: object = cluster.workers ?? {};
  for (const id of Object.keys(workers)) Reflect.deleteProperty(workers, id);
  if (!cluster.isWorker) return;
  Object.assign(cluster, { isWorker: false, isPrimary: true, isMaster: true, worker: undefined });
  syncBuiltinESMExports();
}

/** The parent's children: no exit event can come, kill() must not reach them, and their pipes are the parent's to read. */
function disownChildProcesses(): void {
  const real = binding.wait_real_process() as ProcessInternals;
  for (const handle of real._getActiveHandles()) {
    if (!(handle instanceof ChildProcess)) continue;
    letGoOfChannel(handle as ChannelOwner);
    for (const stream of handle.stdio ?? []) letGo(stream as unknown as HandleOwner | null);
    letGo(handle as unknown as HandleOwner);
  }
}

function inspector(): typeof import('node:inspector') | undefined {
  return process.features.inspector ? require('node:inspector') : undefined;
}

/** The port that this process's inspector listens on; 0 if it does not. */
export function inspectorPort(): number {
  const url = inspector()?.url();
  return url === undefined ? 0 : Number(new URL(url).port);
}

function leaveInspector(port: number | undefined): void {
  if (inspectorPort() !== 0) inspector()?.close();
  if (port !== undefined) inspector()?.open(port);
}

const CREDENTIAL_CALLS = ['setuid', 'seteuid', 'setgid', 'setegid', 'setgroups', 'initgroups'] as const;

/** musl's setuid() in a child would wait for ever (native/posix/libc.h). */
function refuseWithMusl(name: string): void {
  if (binding.libc !== 'musl') return;
  throw preforkError(
    'ERR_PREFORK_UNSUPPORTED',
    `process.${name}() does not work in a forked child with musl: give up privileges before the fork`,
  );
}

/** To Linux a user belongs to a thread; in a child libc does not reach all of them (native/posix/credentials.h). */
function sendCredentialsToAllThreads(): void {
  for (const object of processObjects()) {
    for (const name of CREDENTIAL_CALLS) {
      const original: unknown = Reflect.get(object, name);
      if (typeof original !== 'function' || reachAllThreads.has(original)) continue;
      const wrapped = (...parameters: unknown[]): void => {
        refuseWithMusl(name);
        Reflect.apply(original, object, parameters);
        check(binding.share_credentials(), name);
      };
      reachAllThreads.add(wrapped);
      Reflect.set(object, name, wrapped);
    }
  }
}
const reachAllThreads = new WeakSet<object>();

/** Without CAP_DAC_READ_SEARCH only the loop knows which files it watches (native/posix/inotify.h). */
function watchFilesAgain(): void {
  const result = binding.restart_lost_watchers();
  if (result >= 0) return;
  const { message } = systemError(result, 'inotify_add_watch');
  process.emitWarning(`fs.watch() has stopped watching a file in a forked child: ${message}`, 'ForkWarning');
}

/** What each environment has to put right for itself, the forking one and those that live on beside it. */
function takeNewIdentity(): void {
  takeNewPid();
  forgetAsyncWaits();
  reseedRandom();
  leaveChannel();
  leaveCluster();
  disownChildProcesses();
  sendCredentialsToAllThreads();
  watchFilesAgain();
}

/** Every step, in the child, before any code of the program runs in this thread. */
export function becomeChild({ inspectPort }: { inspectPort?: number }): void {
  binding.wait_forget_children();
  takeNewIdentity();
  leaveInspector(inspectPort);
}

/** Once, when the package is loaded: this thread may live on in the child of another thread's fork. */
export function listenForForksElsewhere(): void {
  binding.on_fork_elsewhere(takeNewIdentity);
}
