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

/**
 * Prints what each of them says as soon as it has said it.
 *
 * @param name its id or pid; undefined: all of them
 * @param patience milliseconds for which one is waited for that says nothing
 * @throws Error: some have not answered
 */
export async function stack(waiting: Waiting, name: string | undefined, patience: number): Promise<string> {
  const shown = await waiting.look();
  if (shown === undefined) throw new Error(`Process ${waiting.manager.pid} has ended`);
  const workers = name === undefined ? workersOf(shown) : workersCalled(name, shown);
  if (workers.length === 0) throw new Error(`Process ${waiting.manager.pid} has no workers yet`);
  const asking = await Asking.begin(waiting, 'stack', patience);
  const isSeenHere = shown.pid === waiting.manager.pid;
  const failures: string[] = [];
  for (const worker of workers) {
    try {
      print(`${described(worker, await standingOf(asking, worker, patience))}\n`);
    } catch (error) {
      const silent = error instanceof Silence ? whySilent(waiting, worker, isSeenHere) : '';
      failures.push(`${(error as Error).message}${silent}`);
    }
  }
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
function described({ id, pid }: Asked, { stack, requests, more }: Standing): string {
  const where = stack === null ? 'waits in its event loop' : 'runs JavaScript';
  const frames = (stack ?? '').split('\n').filter((line) => line.trim() !== '');
  return [
    `worker ${id} (pid ${pid}) ${where}`,
    ...frames.map((line) => `    ${printable(line.trim())}`),
    ...requests.map(({ name, age }) => {
      return `  in hand${age === null ? '' : ` for ${duration(age)}`}: ${printable(name)}`;
    }),
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
