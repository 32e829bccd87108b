/** The types of the public page, as a program sees them. vitest has tsc look at this file; nothing of it runs. */
import type { RequestListener, Server } from 'node:http';
import type { Server as NetServer, Socket } from 'node:net';
import type * as JestRunner from 'jest-runner';
import { type OpenMetricsContentType, Registry } from 'prom-client';
import { expectTypeOf, test } from 'vitest';
import type { PoolRunnerInitializer } from 'vitest/node' with { 'resolution-mode': 'import' };
import * as prefork from '../../lib';
import * as diagnostics from '../../lib/diagnostics';
import TestRunner from '../../lib/jest';
import * as metrics from '../../lib/metrics';
import * as multiprocessing from '../../lib/multiprocessing';
import { workerDetector } from '../../lib/opentelemetry';
import * as parallel from '../../lib/parallel';
import { run as runFiles } from '../../lib/test';
import { type PreforkPoolOptions, preforkPool } from '../../lib/vitest';

type TestsStream = ReturnType<typeof import('node:test').run>;

test('forkSync() gives what the function returns, or not.', () => {
  expectTypeOf(prefork.forkSync(() => 1).value).toEqualTypeOf<number | undefined>();
  expectTypeOf<prefork.ForkSyncResult<string>['signal']>().toEqualTypeOf<NodeJS.Signals | null>();
  expectTypeOf<prefork.ForkSyncOptions['stdio']>().toEqualTypeOf<'pipe' | 'inherit' | 'ignore' | undefined>();
});

test('inChild() resolves to what the function returns, or its promise settles to.', () => {
  expectTypeOf(parallel.inChild(() => 1)).toEqualTypeOf<Promise<number>>();
  expectTypeOf(parallel.inChild(async () => 'text', { timeout: 1 })).toEqualTypeOf<Promise<string>>();
  expectTypeOf<parallel.InChildOptions['signal']>().toEqualTypeOf<AbortSignal | undefined>();
  const report = { onProgress: (done: number) => void done };
  expectTypeOf(parallel.inChild((progress: (done: number) => void) => progress(1), report)).toEqualTypeOf<
    Promise<void>
  >();
  // @ts-expect-error it is called with no other argument: it sees what it needs
  parallel.inChild((n: number) => n);
});

test('Pool gives what the function gives, for each item.', () => {
  const pool = new parallel.Pool({ processes: 2 });
  expectTypeOf(pool.run(async () => 'text', { timeout: 1 })).toEqualTypeOf<Promise<string>>();
  expectTypeOf(pool.map([1, 2], (n, index) => `${n + index}`)).toEqualTypeOf<Promise<string[]>>();
  expectTypeOf(pool.imap(new Set(['a']), async (text) => text.length)).toEqualTypeOf<
    AsyncGenerator<number, void, undefined>
  >();
  expectTypeOf(pool.imapUnordered).returns.toExtend<AsyncIterable<unknown>>();
  expectTypeOf(pool).toExtend<AsyncDisposable>();
  // @ts-expect-error items of map() are there before it begins
  pool.map((async function* () {})(), (n) => n);
});

test('What processes share has the types of what is in it.', () => {
  const queue = new multiprocessing.Queue<number>();
  expectTypeOf(queue.get()).toEqualTypeOf<Promise<number>>();
  // @ts-expect-error it holds numbers
  queue.put('text');
  expectTypeOf(new multiprocessing.Value('i').value).toEqualTypeOf<number>();
  expectTypeOf(new multiprocessing.Value('q').value).toEqualTypeOf<bigint>();
  expectTypeOf(new multiprocessing.SharedArray('d', 3).getObj()).toEqualTypeOf<Float64Array>();
  expectTypeOf(new multiprocessing.Lock().with(async () => 1)).toEqualTypeOf<Promise<number>>();
  expectTypeOf(new multiprocessing.Process(() => {}).exitcode).toEqualTypeOf<number | null>();
  new multiprocessing.Process((one: number) => one, { args: [1] });
});

test('snapshotInChild() resolves to the file.', () => {
  expectTypeOf(diagnostics.snapshotInChild).returns.toEqualTypeOf<Promise<diagnostics.Snapshot>>();
  expectTypeOf<diagnostics.SnapshotProgress['phase']>().toEqualTypeOf<'collecting' | 'writing'>();
  expectTypeOf<diagnostics.SnapshotOptions['signal']>().toEqualTypeOf<AbortSignal | undefined>();
});

test('forkWhenIdle() resolves to a pid.', () => {
  expectTypeOf(prefork.forkWhenIdle).returns.toEqualTypeOf<Promise<number>>();
  expectTypeOf<prefork.ForkWhenIdleOptions['deadline']>().toEqualTypeOf<number | undefined>();
  expectTypeOf<prefork.ForkWhenIdleOptions['signal']>().toEqualTypeOf<AbortSignal | undefined>();
  // @ts-expect-error it is what this function is for not to need it
  prefork.forkWhenIdle({ allowInFlight: true });
});

test('gatherHeap() says whether, and why not; warmup() takes its options by name.', () => {
  expectTypeOf(prefork.gatherHeap).returns.toEqualTypeOf<prefork.GatheredHeap>();
  expectTypeOf<prefork.GatheredHeap['gathered']>().toEqualTypeOf<boolean>();
  expectTypeOf<prefork.GatheredHeap['reason']>().toEqualTypeOf<string | undefined>();
  expectTypeOf<prefork.WarmupOptions['hugePages']>().toEqualTypeOf<boolean | undefined>();
});

test('fork() answers a pid, and takes its options by name.', () => {
  expectTypeOf(prefork.fork).returns.toEqualTypeOf<number>();
  expectTypeOf(prefork.fork).parameter(0).toEqualTypeOf<prefork.ForkOptions | undefined>();
  expectTypeOf<prefork.ForkOptions['allowInFlight']>().toEqualTypeOf<boolean | undefined>();
  expectTypeOf<prefork.ForkOptions['inspectPort']>().toEqualTypeOf<number | undefined>();
  // @ts-expect-error options are an object
  prefork.fork(1);
  // @ts-expect-error undefined is not the same as left out
  prefork.fork({ inspectPort: undefined });
});

test('Waiting answers a pid and a status.', () => {
  type Waited = [pid: number, status: number];
  expectTypeOf(prefork.wait).returns.toEqualTypeOf<Waited>();
  expectTypeOf(prefork.waitpid).returns.toEqualTypeOf<Waited>();
  expectTypeOf(prefork.waitpidAsync).returns.resolves.toEqualTypeOf<Waited>();
  expectTypeOf(prefork.waitpidAsync).parameter(1).toEqualTypeOf<{ signal?: AbortSignal } | undefined>();
  expectTypeOf(prefork.waitstatusToExitcode).toEqualTypeOf<(status: number) => number>();
});

test('_exit() does not return, nor do the exec functions.', () => {
  expectTypeOf(prefork._exit).returns.toBeNever();
  expectTypeOf(prefork.execv).returns.toBeNever();
  expectTypeOf(prefork.execve).toEqualTypeOf<
    (path: string, args: readonly string[], env: prefork.Environment) => never
  >();
  expectTypeOf(prefork.execvp).returns.toBeNever();
  expectTypeOf(prefork.execvpe).returns.toBeNever();
});

test('waitid() answers null for WNOHANG, wait4() what was used.', () => {
  expectTypeOf(prefork.waitid).returns.toEqualTypeOf<prefork.WaitidResult | null>();
  expectTypeOf(prefork.wait4).returns.toEqualTypeOf<
    [pid: number, status: number, usage: prefork.ResourceUsage]
  >();
  expectTypeOf<prefork.ResourceUsage['ruMaxrss']>().toBeNumber();
});

test('signal() takes and answers a function, SIG_IGN or SIG_DFL.', () => {
  expectTypeOf(prefork.signal).returns.toEqualTypeOf<prefork.SignalHandler | 0 | 1 | null>();
  // @ts-expect-error neither
  prefork.signal('SIGTERM', 2);
});

test('recvFds() answers a message and its descriptors.', () => {
  expectTypeOf(prefork.recvFds).returns.toEqualTypeOf<[message: Buffer, fds: number[], flags: number]>();
  expectTypeOf(prefork.sendFds).parameter(2).toEqualTypeOf<Iterable<prefork.Descriptor>>();
});

test('Hooks take nothing, and can be taken away again.', () => {
  expectTypeOf(prefork.registerAtFork).toEqualTypeOf<(hooks: prefork.ForkHooks) => () => void>();
  expectTypeOf<prefork.ForkHooks['afterInChild']>().toEqualTypeOf<(() => void) | undefined>();
});

test('forkProcesses() answers the task id.', () => {
  expectTypeOf(prefork.forkProcesses).returns.toEqualTypeOf<number>();
  expectTypeOf(prefork.forkProcesses).parameter(0).toEqualTypeOf<number | null | undefined>();
  expectTypeOf(prefork.taskId).returns.toEqualTypeOf<number | null>();
});

test('Sockets are bound before the fork, and served after it by any server of Node.', () => {
  expectTypeOf(prefork.bindSockets).returns.toEqualTypeOf<prefork.ListeningSocket[]>();
  expectTypeOf(prefork.addSockets).parameter(0).toExtend<NetServer>();
  expectTypeOf<Server>().toExtend<Parameters<typeof prefork.addSockets>[0]>();
  expectTypeOf<prefork.AcceptCallback>().parameter(0).toEqualTypeOf<Socket>();
});

test("HTTPServer takes a request listener of Node's.", () => {
  expectTypeOf<RequestListener>().toExtend<ConstructorParameters<typeof prefork.HTTPServer>[0]>();
  expectTypeOf<prefork.HTTPServer>().toExtend<prefork.TCPServer>();
});

test('Anything like console will do as a logger.', () => {
  expectTypeOf<Console>().toExtend<prefork.LogTarget>();
  expectTypeOf<'warning' | 'WARNING'>().toExtend<prefork.LogLevel>();
  expectTypeOf<'verbose'>().not.toExtend<prefork.LogLevel>();
});

test("Errors of system calls are shaped like Node's.", () => {
  expectTypeOf<prefork.SystemError>().toExtend<NodeJS.ErrnoException>();
});

test('Subprocess tells its return code.', () => {
  expectTypeOf<prefork.Subprocess['returncode']>().toEqualTypeOf<number | null>();
  expectTypeOf<prefork.Subprocess['waitForExit']>().returns.resolves.toBeNumber();
  expectTypeOf<prefork.SubprocessOptions['stdin']>().toEqualTypeOf<prefork.SubprocessStream | undefined>();
  // @ts-expect-error streams are Subprocess.STREAM, not Node's 'pipe'
  new prefork.Subprocess(['true'], { stdin: 'pipe' });
});

test('run() takes what run() of node:test takes, and returns what that does.', () => {
  expectTypeOf(runFiles({ files: ['a'], concurrency: 2, preload: ['b'] })).toEqualTypeOf<TestsStream>();
});

test("preforkPool() is what vitest takes for a pool of one's own.", () => {
  expectTypeOf(preforkPool).parameter(0).toEqualTypeOf<PreforkPoolOptions | undefined>();
  expectTypeOf<PreforkPoolOptions['preload']>().toEqualTypeOf<readonly string[] | undefined>();
  expectTypeOf(preforkPool()).toEqualTypeOf<PoolRunnerInitializer>();
});

test("setRegistries() takes prom-client's own, whatever their content type is.", () => {
  metrics.setRegistries(new Registry());
  metrics.setRegistries([new Registry(), new Registry<OpenMetricsContentType>()]);
  expectTypeOf(metrics.clusterMetrics).returns.toEqualTypeOf<Promise<string>>();
  // @ts-expect-error it is no registry
  metrics.setRegistries({});
});

test('broadcast() makes a channel as BroadcastChannel is one, with an event of its own.', () => {
  const channel = prefork.broadcast('news');
  expectTypeOf(channel).toExtend<EventTarget>();
  channel.onmessage = ({ data }) => void data;
  channel.onlost = ({ count }) => expectTypeOf(count).toEqualTypeOf<number>();
  expectTypeOf<prefork.WorkersChannel['name']>().toEqualTypeOf<string>();
  expectTypeOf<prefork.LostEvent>().toExtend<Event>();
});

test('workerDetector detects attributes that are promises.', () => {
  expectTypeOf(workerDetector.detect().attributes).toEqualTypeOf<
    Record<string, Promise<string | number | undefined>>
  >();
});

test('Jest takes its runner.', () => {
  type Made = new (
    globalConfig: JestRunner.Config.GlobalConfig,
    context: JestRunner.TestRunnerContext,
  ) => JestRunner.EmittingTestRunnerInterface;
  expectTypeOf(TestRunner).toExtend<Made>();
});
