/**
 * What goes on in a template: node:test is loaded, and what the user has named; no test file is. It forks on order, and the
 * child runs one file as `node` would, and knows nothing of the template.
 */
import { closeSync } from 'node:fs';
import { Module } from 'node:module';
import { Socket } from 'node:net';
import { resolve } from 'node:path';
import { nextTurn, setImmediate } from '../../base/timers';
import { forkWhenIdle } from '../../fork/fork-when-idle';
import { _exit, dup2, getpid, getppid, recvFds, setParentDeathSignal } from '../../os';
import { readFrames, writeFrame } from '../../testing/frames';
import { waitpidAsync } from '../../wait/wait-async';
import { type Answer, DESCRIPTORS, type Entry, type FromTemplate, ORDERS, type Order } from '../orders';
import { hasTests, preload } from './preload';

/** Milliseconds until a template is idle; it has nothing to do but what it was told. */
const IDLE = 10_000;

/** Node's, whatever a module makes of it. */
const kill = process.kill.bind(process);

let socket: Socket;
/** Those that it has forked, and that have not ended. */
const children = new Set<number>();
const orders: Order[] = [];
let isBusy = false;
let isTemplate = true;

function say(message: FromTemplate): void {
  writeFrame(socket, message);
}

/** What Node's options have had it load before this. */
async function whyNot(): Promise<string | undefined> {
  await nextTurn();
  if (hasTests())
    return "what --import or --require loads registers tests or hooks, or listens for 'beforeExit'";
  const opened = process.getActiveResourcesInfo().filter((kind) => kind !== 'PipeWrap');
  if (opened.length > 0) return `what --import or --require loads opens ${opened.join(', ')}`;
  // Every file loads it, and all that it evaluates is Node's own.
  await import('node:test');
  return undefined;
}

/** Turns into the process of a file: it finds what it would find in one that was started for it. */
function become({ path, argv, env }: Entry, streams: number[], template: number): void {
  isTemplate = false;
  setParentDeathSignal('SIGKILL');
  if (getppid() !== template) _exit(1); // it has died before that
  socket.removeAllListeners().destroy();
  closeSync(DESCRIPTORS);
  for (const [standard, fd] of streams.entries()) {
    dup2(fd, standard);
    closeSync(fd);
  }
  process.argv = [process.execPath, resolve(path), ...argv];
  Object.assign(process.env, env);
  // By itself, so that nothing of the template is on the stack, and ticks come before promises, as after any main program.
  setImmediate(Module.runMain);
}

async function noteEnd(pid: number): Promise<void> {
  children.add(pid);
  const [, status] = await waitpidAsync(pid);
  children.delete(pid);
  say({ ended: pid, status });
}

function closeAll(fds: number[]): void {
  for (const fd of fds) closeSync(fd);
}

/** In the parent the child's pid; the child has nothing to answer. */
async function forkFor(entry: Entry): Promise<number | undefined> {
  const [, streams] = recvFds(DESCRIPTORS, 1, 3);
  const template = getpid();
  let pid: number;
  try {
    pid = await forkWhenIdle({ deadline: IDLE });
  } catch (error) {
    closeAll(streams);
    throw error;
  }
  if (pid > 0) closeAll(streams);
  else become(entry, streams, template);
  return pid;
}

async function obey(order: Order): Promise<unknown> {
  switch (order.order) {
    case 'begin':
      return whyNot();
    case 'preload':
      return preload(order.name, socket);
    case 'run':
      return forkFor(order.entry);
    case 'kill':
      return children.has(order.pid) && kill(order.pid, order.signal);
  }
}

async function answer(order: Order): Promise<void> {
  let answer: Answer;
  try {
    answer = { value: await obey(order) };
  } catch (error) {
    answer = { failed: String(error) };
  }
  if (isTemplate && order.order !== 'kill') say({ answer });
  if (isTemplate && order.order === 'run' && 'value' in answer) void noteEnd(answer.value as number);
}

/** One after the other: a fork is made when nothing else is under way. */
async function work(): Promise<void> {
  isBusy = true;
  for (let order = orders.shift(); order !== undefined && isTemplate; order = orders.shift())
    await answer(order);
  isBusy = false;
}

function hear(order: Order): void {
  orders.push(order);
  if (!isBusy) void work();
}

/** In a process that was started for it. */
export function begin(): void {
  setParentDeathSignal('SIGKILL');
  socket = new Socket({ fd: ORDERS });
  // Without the runner there is nothing to do here, and nobody to hear of it.
  socket.on('error', () => _exit(1)).on('close', () => _exit(0));
  readFrames(socket, (order) => hear(order as Order));
}
