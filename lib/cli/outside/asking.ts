/** A command asks workers, in the memory of the service: the manager has no part in it. */
import { setTimeout } from 'node:timers/promises';
import { binding } from '../../base/binding';
import { duration } from '../../base/duration';
import { preforkError } from '../../base/errors';
import { printable } from '../../base/printable';
import { monotonic } from '../../base/timers';
import { type Kind, Question } from '../../manager/questions';
import { Row, StackAsker } from '../../manager/scoreboard';
import type { Shown, ShownWorker } from '../../manager/shown/form';
import { LOCK_EX } from '../../posix/flock';
import { endedBefore, type Waiting } from './waiting';

/** Milliseconds between two looks for the answer, and at the worker. */
const LOOK_INTERVAL = 2;
const MANAGER_INTERVAL = 50;
const LONGEST_REASON = 2000;

/** A worker that can be asked. */
export interface Asked extends Pick<ShownWorker, 'id' | 'row' | 'phase'> {
  pid: number;
}

export function workersOf({ processes }: Shown): Asked[] {
  return processes
    .flatMap(({ pid, worker }) => {
      return worker === null ? [] : [{ pid, id: worker.id, row: worker.row, phase: worker.phase }];
    })
    .sort((one, other) => one.id - other.id || one.pid - other.pid);
}

/** Those of this id, or the one of this pid. */
export function workersCalled(name: string, shown: Shown): Asked[] {
  const all = workersOf(shown);
  const byId = all.filter(({ id }) => String(id) === name);
  const found = byId.length > 0 ? byId : all.filter(({ pid }) => String(pid) === name);
  if (found.length > 0) return found;
  const there = all.map(({ id, pid }) => `${id} (pid ${pid})`).join(', ');
  throw preforkError(
    'ERR_PREFORK_INVALID_ARG_VALUE',
    `Expected the id or pid of a worker but received '${printable(name)}'. There is ${there || 'none'}`,
  );
}

/** What it does instead of answering is for the caller to find out. */
export class Silence extends Error {
  constructor({ id, pid }: Asked, patience: number) {
    super(`Worker ${id} (pid ${pid}) has said nothing for ${duration(patience)}`);
  }
}

/** The one command at a time that may ask for what has a box in common. */
export class Asking {
  readonly #waiting: Waiting;
  readonly #kind: Kind;
  readonly #patience: number;
  #question: Question | undefined;

  private constructor(waiting: Waiting, kind: Kind, patience: number) {
    this.#waiting = waiting;
    this.#kind = kind;
    this.#patience = patience;
  }

  /**
   * The locks are the kernel's, on open files of this process, and go with it.
   *
   * @param patience milliseconds for which another command is waited for, and a worker that says nothing
   */
  static async begin(waiting: Waiting, kind: Kind, patience: number): Promise<Asking> {
    const { manager } = waiting;
    const memory = manager.shareMemory();
    const lock = kind === 'stack' ? memory : manager.shownFile;
    const latest = monotonic() + patience;
    while (binding.process_flock(lock, LOCK_EX) !== 0) {
      if (monotonic() > latest)
        throw new Error(`Another command is asking workers of process ${manager.pid}`);
      await waiting.pause('another command');
    }
    return new Asking(waiting, kind, patience);
  }

  /**
   * @param take is given the answer, part by part
   * @param longest milliseconds within which it has to begin, whatever the worker says in between
   * @throws Silence; Error: the worker or the manager has ended, or the worker says why it has no answer
   */
  async ask(
    worker: Asked,
    argument: number,
    take: (bytes: Buffer) => void,
    longest = Number.POSITIVE_INFINITY,
  ): Promise<void> {
    const question = new Question(this.#kind, worker, argument);
    this.#question = question;
    if (this.#kind === 'stack') new Row(worker.row).askForStack(StackAsker.COMMAND);
    try {
      await this.#answered(worker, question, take, monotonic() + longest);
    } finally {
      question.withdraw();
    }
  }

  /** What was asked is not to be answered any more. */
  stop(): void {
    this.#question?.withdraw();
  }

  async #answered(
    worker: Asked,
    question: Question,
    take: (bytes: Buffer) => void,
    latest: number,
  ): Promise<void> {
    let [progress, heardAt, lookedAt, isFirst] = ['', monotonic(), 0, true];
    for (;;) {
      question.await();
      const { state } = question; // before the bytes, which are all there by then
      const bytes = question.read();
      if (state === 'failed') throw new Error(reasonOf(worker, isFirst ? bytes : Buffer.alloc(0)));
      if (bytes.length > 0) {
        isFirst = false;
        take(bytes);
        continue;
      }
      if (state === 'whole') return;
      const now = monotonic();
      if (question.progress !== progress) [progress, heardAt] = [question.progress, now];
      if (now - heardAt > this.#patience || (isFirst && now > latest)) {
        throw new Silence(worker, this.#patience);
      }
      if (now - lookedAt > MANAGER_INTERVAL) {
        const end = await this.#endOf(worker);
        // What it has answered by then counts.
        if (end !== undefined && question.state === state) throw end;
        lookedAt = now;
      }
      await setTimeout(LOOK_INTERVAL);
    }
  }

  /** undefined: it is there. */
  async #endOf({ id, pid }: Asked): Promise<Error | undefined> {
    const shown = await this.#waiting.look();
    if (shown === undefined) return endedBefore(this.#waiting.manager.pid, 'its worker answered');
    if (workersOf(shown).some((each) => each.pid === pid && each.id === id)) return undefined;
    return new Error(`Worker ${id} (pid ${pid}) ended before it had answered`);
  }
}

function reasonOf({ id, pid }: Asked, reason: Buffer): string {
  const why = printable(reason.toString()).slice(0, LONGEST_REASON) || 'it was ended, or has no memory';
  return `Worker ${id} (pid ${pid}) cannot do it: ${why}`;
}
