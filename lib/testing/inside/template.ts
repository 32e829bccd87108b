/**
 * What goes on in a template, whatever the runner: it gets ready step by step, forks on order, and its child, which runs one
 * file, knows nothing of it.
 */
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { setImmediate } from '../../base/timers';
import { forkWhenIdle } from '../../fork/fork-when-idle';
import { _exit, getpid, getppid, recvFds, setParentDeathSignal } from '../../os';
import { waitpidAsync } from '../../wait/wait-async';
import { readFrames, writeFrame } from '../frames';
import { type Answer, DESCRIPTORS, type FromTemplate, MOST_DESCRIPTORS, ORDERS, type Order } from '../orders';

/** Milliseconds until a template is idle; it has nothing to do but what it was told. */
const IDLE = 10_000;

/** Node's, whatever a module makes of it. */
const kill = process.kill.bind(process);

/** What a runner has done in its templates. */
export interface Trade<Step, Entry> {
  /** Gets further ready. Resolves to a reason against forking files from this process now, if there is one. */
  take(step: Step, socket: Socket): Promise<string | undefined>;
  /** Runs a file, in a child that has these descriptors. Called by itself: nothing of the template is on the stack. */
  run(entry: Entry, descriptors: readonly number[]): void;
}

class TemplateProcess<Step, Entry> {
  readonly #trade: Trade<Step, Entry>;
  readonly #socket: Socket;
  /** Those that it has forked, and that have not ended. */
  readonly #children = new Set<number>();
  readonly #orders: Order<Step, Entry>[] = [];
  #isBusy = false;
  #isTemplate = true;

  constructor(trade: Trade<Step, Entry>) {
    this.#trade = trade;
    this.#socket = new Socket({ fd: ORDERS });
    // Without the runner there is nothing to do here, and nobody to hear of it.
    this.#socket.on('error', () => _exit(1)).on('close', () => _exit(0));
    readFrames(this.#socket, (order) => this.#hear(order as Order<Step, Entry>));
  }

  #say(message: FromTemplate): void {
    writeFrame(this.#socket, message);
  }

  #hear(order: Order<Step, Entry>): void {
    this.#orders.push(order);
    if (!this.#isBusy) void this.#work();
  }

  /** One after the other: a fork is made when nothing else is under way. */
  async #work(): Promise<void> {
    this.#isBusy = true;
    for (
      let order = this.#orders.shift();
      order !== undefined && this.#isTemplate;
      order = this.#orders.shift()
    )
      await this.#answer(order);
    this.#isBusy = false;
  }

  async #answer(order: Order<Step, Entry>): Promise<void> {
    let answer: Answer;
    try {
      answer = { value: await this.#obey(order) };
    } catch (error) {
      answer = { failed: String(error) };
    }
    if (!this.#isTemplate) return;
    if (order.order !== 'kill') this.#say({ answer });
    if (order.order === 'run' && 'value' in answer) void this.#noteEnd(answer.value as number);
  }

  async #obey(order: Order<Step, Entry>): Promise<unknown> {
    switch (order.order) {
      case 'step':
        return this.#trade.take(order.step, this.#socket);
      case 'run':
        return this.#forkFor(order.entry);
      case 'kill':
        return this.#children.has(order.pid) && kill(order.pid, order.signal);
    }
  }

  /** In the parent the child's pid; the child has nothing to answer. */
  async #forkFor(entry: Entry): Promise<number | undefined> {
    const [, descriptors] = recvFds(DESCRIPTORS, 1, MOST_DESCRIPTORS);
    const template = getpid();
    let pid: number;
    try {
      pid = await forkWhenIdle({ deadline: IDLE });
    } catch (error) {
      for (const fd of descriptors) closeSync(fd);
      throw error;
    }
    if (pid === 0) this.#become(entry, descriptors, template);
    else for (const fd of descriptors) closeSync(fd);
    return pid;
  }

  /** In the child. */
  #become(entry: Entry, descriptors: number[], template: number): void {
    this.#isTemplate = false;
    setParentDeathSignal('SIGKILL');
    if (getppid() !== template) _exit(1); // it has died before that
    this.#socket.removeAllListeners().destroy();
    closeSync(DESCRIPTORS);
    setImmediate(() => this.#trade.run(entry, descriptors));
  }

  async #noteEnd(pid: number): Promise<void> {
    this.#children.add(pid);
    const [, status] = await waitpidAsync(pid);
    this.#children.delete(pid);
    this.#say({ ended: pid, status });
  }
}

/** In a process that was started for it. */
export function begin<Step, Entry>(trade: Trade<Step, Entry>): void {
  setParentDeathSignal('SIGKILL');
  new TemplateProcess(trade);
}
