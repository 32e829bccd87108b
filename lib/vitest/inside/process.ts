/**
 * What goes on in a process of the pool. It starts as a template, which has vitest in it, and an environment, and no test
 * file; it forks on order. A child becomes a template of its own, or the process of one file, which is vitest's from then on.
 */
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as VitestWorker from 'vitest/worker' with { 'resolution-mode': 'import' };
import { registerAtFork } from '../../fork/at-fork';
import { forkWhenIdle } from '../../fork/fork-when-idle';
import { _exit, setParentDeathSignal } from '../../os';
import { readFrames, writeFrame } from '../../testing/frames';
import { waitpidAsync } from '../../wait/wait-async';
import { arrangeMemory, preventIdleCollections } from '../../warmup/arrange-memory';
import { gatherHeap } from '../../warmup/gather-heap';
import {
  type Answer,
  asCall,
  asResponse,
  type FromProcess,
  type Order,
  type Paused,
  type Response,
  type Step,
  type ToProcess,
} from '../orders';
import { Effects } from './effects';
import { hasTests, holdSnapshots, PausedRun, takeNumber, urlOf } from './paused-run';
import { preload } from './preload';
import { belongsToFile, evaluate, learn, planOf, type Runner as StepRunner } from './steps';

type Init = Parameters<typeof VitestWorker.init>[0];
type Listener = Parameters<Init['on']>[0];
type Runner = Parameters<NonNullable<Init['onModuleRunner']>>[0];

/** A template asks vitest's process for nothing else: it has no test that could report. */
const ASKED_BY_TEMPLATES = ['fetch', 'resolve'];
/** What a module may have vitest say of the file. */
const REPORTED = ['onUnhandledError', 'onUserConsoleLog'];
/**
 * Before these forks of one process its memory is arranged. That takes as long as some ten forks, and what is fetched meanwhile
 * lies all over it: es-toolkit's 694 files came from one process, and each fork took twice as long in the end.
 */
const ARRANGED_BEFORE = [10, 100, 1000];
/** Milliseconds until a template is idle; it has nothing to do but what it was told. */
const IDLE = 10_000;

/** Node's, whatever a test makes of them. */
const exit = process.exit.bind(process);
const kill = process.kill.bind(process);

/** The way to vitest's process, which every process has for itself. */
let hub: string;
let socket: Socket;
/** Those that it has forked, and that have not ended. */
let children = new Set<number>();
/** How often it has forked. */
let forks = 0;
let orders: Order[] = [];
let isBusy = false;
let isTemplate = true;
/** vitest's, which listens for messages. */
let listeners = new Set<Listener>();
/** vitest's, which loads modules. */
let runner: Runner | undefined;
/** vitest's run that has come to where it would import its file. */
let paused: PausedRun | undefined;
/** In a process that is given up afterwards. */
let effects: Effects | undefined;
/** Writes the snapshots of a file that has found modules evaluated. */
let writeSnapshots = async (): Promise<void> => {};
/** Whoever waits for vitest's next word, while this is a template. */
let onResponse: ((response: Response) => void) | undefined;

function say(message: FromProcess): void {
  writeFrame(socket, message);
}

// --- What vitest has to say ---

function tellVitest(message: unknown): void {
  for (const listener of [...listeners]) listener(message);
}

/** A template has no test: only what it asks for is passed on, and everything else is as if it had been heard. */
function postFromTemplate(message: unknown): void {
  const response = asResponse(message);
  const call = asCall(message);
  if (response !== undefined) onResponse?.(response);
  if (call === undefined) return;
  if (call.m === 'onQueued' && paused !== undefined) paused.task ??= call.a?.[0] as PausedRun['task'];
  if (effects !== undefined && REPORTED.includes(call.m ?? '')) effects.hasAny = true;
  if (call.t === 's' || ASKED_BY_TEMPLATES.includes(call.m ?? '')) say({ vitest: message });
  else if (call.i !== undefined) answerVitest(call.i, call.m);
}

function answerVitest(i: string, method: string | undefined): void {
  const r = method === 'fetchWarmModules' ? paused?.modules() : undefined;
  queueMicrotask(() => tellVitest({ t: 's', i, r }));
}

function post(message: unknown): void {
  if (isTemplate) postFromTemplate(message);
  else say({ vitest: message });
}

/** Has vitest do something in this template, until it says that it has. */
function have(message: unknown): Promise<Response> {
  return new Promise((resolve) => {
    onResponse = resolve;
    tellVitest(message);
  });
}

/** As vitest's own pool has it (init-forks.ts): tests find a `process.exit` that throws, until they are done. */
async function runFiles(
  vitest: typeof VitestWorker,
  method: 'run' | 'collect',
  ...[state, traces]: Parameters<Init['runTests']>
): Promise<void> {
  if (!isTemplate) takeNumber(state.ctx);
  try {
    await vitest.runBaseTests(method, state, traces);
  } finally {
    if (!isTemplate) process.exit = exit;
  }
}

function initVitest(vitest: typeof VitestWorker): void {
  vitest.init({
    post,
    on: (listener) => listeners.add(listener),
    off: (listener) => listeners.delete(listener),
    setup: vitest.setupEnvironment,
    onModuleRunner: (started) => {
      runner = started;
    },
    runTests: (state, traces) => runFiles(vitest, 'run', state, traces),
    collectTests: (state, traces) => runFiles(vitest, 'collect', state, traces),
    teardown: () => {
      listeners = new Set();
    },
  });
}

// --- Orders ---

async function noteEnd(pid: number): Promise<void> {
  children.add(pid);
  const [, status] = await waitpidAsync(pid);
  children.delete(pid);
  say({ ended: pid, status });
}

/** In the parent the child's pid; in the child nothing: it says so itself. */
async function forkOff(id: number): Promise<number | undefined> {
  if (ARRANGED_BEFORE.includes(++forks)) arrangeMemory({ smallYoungGeneration: false, hugePages: true });
  const pid = await forkWhenIdle({ deadline: IDLE });
  if (pid === 0) {
    /* child */
    children = new Set();
    forks = 0;
    orders = [];
    isBusy = false;
    connectAs(id);
    return undefined;
  }
  noteEnd(pid).catch(() => {});
  return pid;
}

function begun(): Runner {
  if (runner === undefined) throw new Error('vitest has not begun');
  return runner;
}

/** With what it has for vitest's mocker, too. */
const stepRunner = (): StepRunner => begun() as unknown as StepRunner;

/** Whether no file can tell that it was evaluated before, in a process that is given up afterwards. */
async function isUnseen(work: () => Promise<unknown>): Promise<boolean> {
  effects ??= new Effects();
  if (!(await effects.areNoneOf(work)) || hasTests()) return false;
  const nodes = [...stepRunner().evaluatedModules.idToModuleMap.values()];
  return !nodes.some((node) => node.evaluated && belongsToFile(node));
}

async function pause(message: object, isTrial: boolean): Promise<Paused> {
  const { files } = (message as { context: { files: { filepath: string }[] } }).context;
  const run = new PausedRun(begun(), files[0]?.filepath ?? '');
  paused = run;
  const ended = () =>
    have(message).then(() => {
      throw new Error('vitest imports no file');
    });
  const work = () => Promise.race([run.reached, ended()]);
  if (isTrial && !(await isUnseen(work))) return undefined;
  if (!isTrial) await work();
  return run.task && { id: run.task.id, name: run.task.name };
}

async function evaluateAll(steps: Step[], isTrial: boolean): Promise<number> {
  let count = 0;
  for (const step of steps) {
    const work = () => evaluate(stepRunner(), step);
    if (isTrial && !(await isUnseen(work))) return count;
    if (!isTrial) await work();
    count++;
  }
  return count;
}

/** Tests, and vitest, find what they find in a process of vitest's own pool. */
async function become({
  poolId,
  workerId,
  begin,
  file,
}: Extract<Order, { order: 'become' }>): Promise<unknown> {
  const error = begin === undefined ? undefined : (await have(begin)).error;
  isTemplate = false;
  process.env['VITEST_POOL_ID'] = poolId;
  process.env['VITEST_WORKER_ID'] = workerId;
  const send = (message: unknown): boolean => {
    say({ vitest: message });
    return true;
  };
  Object.assign(process, { send, connected: true });
  if (file === undefined) return error;
  if (paused === undefined) throw new Error('no run is paused');
  writeSnapshots = holdSnapshots();
  learn(stepRunner(), file.fetched);
  await paused.resume(file);
  return undefined;
}

async function obey(order: Order): Promise<unknown> {
  switch (order.order) {
    case 'fork':
      return forkOff(order.id);
    case 'begin':
    case 'prepare':
      return (await have(order.message)).error;
    case 'preload':
      return preload(order.name, runner);
    case 'pause':
      return pause(order.message, order.isTrial);
    case 'plan':
      return planOf(stepRunner(), await urlOf(order.file), order.since);
    case 'evaluate':
      learn(stepRunner(), order.fetched);
      return evaluateAll(order.steps, order.isTrial);
    case 'become':
      return become(order);
    case 'commit':
      return writeSnapshots();
    case 'kill':
      return children.has(order.pid) && kill(order.pid, order.signal);
  }
}

async function answer(order: Order): Promise<void> {
  const here = socket;
  let answer: Answer;
  try {
    answer = { value: await obey(order) };
  } catch (error) {
    answer = { failed: String(error) };
  }
  // A child comes back here, too, and nobody has asked it anything.
  if (here === socket && order.order !== 'kill') say({ answer });
}

/** One after the other: a fork is made when nothing else is under way. */
async function work(): Promise<void> {
  const here = socket;
  isBusy = true;
  for (let order = orders.shift(); order !== undefined; order = orders.shift()) {
    await answer(order);
    if (here !== socket) return;
  }
  isBusy = false;
}

function hear(message: ToProcess): void {
  if ('vitest' in message) tellVitest(message.vitest);
  else orders.push(message);
  if (!isBusy && orders.length > 0) work();
}

// --- The way to vitest's process ---

function connectAs(id: number): void {
  setParentDeathSignal('SIGKILL');
  socket = connect(hub);
  // Without vitest there is nothing to do here; what modules do at the exit is for the processes of files.
  const leave = () => (isTemplate ? _exit(1) : exit(1));
  socket.on('error', leave).on('close', leave);
  readFrames(socket, (message) => hear(message as ToProcess));
  say({ hello: id });
}

/** In every child, also one that a test forks, which has nothing to say to vitest. */
function leaveToParent(): void {
  socket.removeAllListeners().destroy();
  Reflect.deleteProperty(process, 'send');
  Reflect.deleteProperty(process, 'connected');
}

/** In a process that was started for it: `dist` is where vitest lies, and `path` where its process listens. */
export async function begin(dist: string, path: string, id: number): Promise<void> {
  gatherHeap();
  preventIdleCollections();
  hub = path;
  process.argv[1] = join(dist, 'workers', 'forks.js'); // as in vitest's own pool
  registerAtFork({ afterInChild: leaveToParent });
  initVitest(await import(pathToFileURL(join(dist, 'worker.js')).href));
  connectAs(id);
}
