/** `prefork stack`: where the JavaScript of workers is at this moment, and which requests they have in hand. */
import { print } from '../../base/blocking-write';
import { duration } from '../../base/duration';
import { printable } from '../../base/printable';
import { monotonic } from '../../base/timers';
import { type Standing, standingIn } from '../../manager/standing';
import { factsOf } from '../../manager/system/process-facts';
import { type Asked, Asking, Silence, workersCalled, workersOf } from './asking';
import type { Waiting } from './waiting';

const LONGEST_ANSWER = 1024 * 1024;

/** Whose stack is asked for, and how it is said. */
export interface StackOrder {
  /** Its id or pid; undefined: all of them. */
  worker: string | undefined;
  /** Milliseconds for which one is waited for that says nothing. */
  patience: number;
  json: boolean;
}

/** Of one worker, as `--json` has it. Milliseconds; null: not known. */
interface Answered extends Pick<Standing, 'requests' | 'more'> {
  id: number;
  pid: number;
  /** Frames; null: no JavaScript runs, the event loop waits. */
  stack: string[] | null;
  /** Why it has not answered. */
  error: string | null;
}

/**
 * Prints what each of them says as soon as it has said it; as JSON when all have.
 *
 * @throws Error: some have not answered
 */
export async function stack(waiting: Waiting, { worker: name, patience, json }: StackOrder): Promise<string> {
  const shown = await waiting.look();
  if (shown === undefined) throw new Error(`Process ${waiting.manager.pid} has ended`);
  const workers = name === undefined ? workersOf(shown) : workersCalled(name, shown);
  if (workers.length === 0) throw new Error(`Process ${waiting.manager.pid} has no workers yet`);
  const asking = await Asking.begin(waiting, 'stack', patience);
  const isSeenHere = shown.pid === waiting.manager.pid;
  const failures: string[] = [];
  const all: Answered[] = [];
  for (const worker of workers) {
    try {
      const answered = answeredBy(worker, await standingOf(asking, worker, patience));
      all.push(answered);
      if (!json) print(`${described(answered)}\n`);
    } catch (error) {
      const silent = error instanceof Silence ? whySilent(waiting, worker, isSeenHere) : '';
      const why = `${(error as Error).message}${silent}`;
      all.push({ id: worker.id, pid: worker.pid, stack: null, requests: [], more: 0, error: why });
      failures.push(why);
    }
  }
  if (json) print(`${JSON.stringify({ workers: all }, null, 2)}\n`);
  if (failures.length > 0) throw new Error(failures.join('\nprefork: '));
  return '';
}

async function standingOf(asking: Asking, worker: Asked, longest: number): Promise<Standing> {
  const parts: Buffer[] = [];
  let length = 0;
  const take = (bytes: Buffer) => {
    length += bytes.length;
    if (length > LONGEST_ANSWER) throw unintelligible(worker);
    parts.push(bytes);
  };
  await asking.ask(worker, 0, take, longest);
  const standing = standingIn(Buffer.concat(parts));
  if (standing?.pid !== worker.pid) throw unintelligible(worker);
  return standing;
}

function unintelligible({ id, pid }: Asked): Error {
  return new Error(`What worker ${id} (pid ${pid}) answers is no answer`);
}

/** It comes from the worker, and goes to a terminal. */
function answeredBy({ id, pid }: Asked, { stack, requests, more }: Standing): Answered {
  const frames = (stack ?? '').split('\n').map((line) => printable(line.trim()));
  return {
    id,
    pid,
    stack: stack === null ? null : frames.filter((line) => line !== ''),
    requests: requests.map(({ name, age }) => ({ name: printable(name), age })),
    more,
    error: null,
  };
}

/** For people. */
function described({ id, pid, stack, requests, more }: Answered): string {
  return [
    `worker ${id} (pid ${pid}) ${stack === null ? 'waits in its event loop' : 'runs JavaScript'}`,
    ...(stack ?? []).map((frame) => `    ${frame}`),
    ...requests.map(({ name, age }) => `  in hand${age === null ? '' : ` for ${duration(age)}`}: ${name}`),
    ...(more > 0 ? [`  and ${more} more requests`] : []),
  ].join('\n');
}

/** As the kernel sees it, in these words. */
const STATES: Record<string, string> = {
  R: 'runs, or waits for a processor',
  S: 'waits in a system call',
  D: 'waits for a disk',
  T: 'is stopped by a signal',
  t: 'is stopped by a debugger',
};

function whySilent({ manager }: Waiting, { pid, row }: Asked, isSeenHere: boolean): string {
  const beat = manager.figures(row)?.beat;
  const since =
    beat === undefined || beat === 0 ? '' : `, its last beat was ${duration(monotonic() - beat)} ago`;
  // In another namespace of processes its number is another one's here.
  const state = isSeenHere ? STATES[factsOf(pid)?.state ?? ''] : undefined;
  const process = state === undefined ? '' : `: the process ${state}`;
  return `${since}. It runs no JavaScript that could be interrupted, and its event loop does not turn${process}`;
}
