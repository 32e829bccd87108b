/** What a command has a worker record: a profile of what it spends its time on, a snapshot of its heap. Neither opens a port. */
import { readSync } from 'node:fs';
import { writeHeapSnapshot } from 'node:v8';
import { binding } from '../../base/binding';
import { check, preforkError } from '../../base/errors';
import { clearInterval, monotonic, setInterval, setTimeout } from '../../base/timers';
import { beFirstToGo } from '../../diagnostics/first-to-go';
import { requireMemory } from '../../diagnostics/room';
import { openSession } from '../../fork/random/inspector-session';
import { inChild } from '../../parallel/in-child';
import type { Place } from '../place';
import { Answer, ROOM_OR_NOT } from '../questions';

const NICE = 10;
/** Milliseconds between two signs of life. */
const SIGN_INTERVAL = 500;
const CHUNK = 64 * 1024;

/** At each beat: looks whether a command has asked for something, and begins with it. */
export function recorder({ row, worker: { pid } }: Place): () => void {
  let last = 0;
  return () => {
    const answer = Answer.to('profile', { row: row.index, pid });
    if (answer === undefined || answer.number === last) return;
    last = answer.number;
    void record(answer);
  };
}

/** What ends each that is under way. Copied by each fork: what goes on is the worker's own. */
const underWay = new Set<() => void>();

/** For a worker that is about to end: a command that somebody has stopped would hold it until it takes that for gone. */
export function giveUpRecordings(): void {
  for (const giveUp of underWay) giveUp();
}

async function record(answer: Answer): Promise<void> {
  const abandoned = new AbortController();
  const sign = setInterval(() => {
    if (answer.isAwaited) answer.goOn();
    else abandoned.abort();
  }, SIGN_INTERVAL).unref();
  const giveUp = () => {
    answer.fail('it was told to end');
    answer.abandon();
    abandoned.abort();
  };
  underWay.add(giveUp);
  answer.begin();
  try {
    await (answer.kind === 'profile' ? sendProfile(answer) : sendSnapshot(answer, abandoned.signal));
    answer.finish();
  } catch (error) {
    answer.fail(error instanceof Error ? error.message : String(error));
  } finally {
    clearInterval(sign);
    underWay.delete(giveUp);
  }
}

async function sendProfile(answer: Answer): Promise<void> {
  if (!process.features.inspector) {
    throw preforkError(
      'ERR_PREFORK_UNSUPPORTED',
      'Its Node was built without inspector, and has no profiler',
    );
  }
  const { ask, session } = openSession();
  try {
    ask('Profiler.enable');
    ask('Profiler.start');
    await passed(answer);
    const { profile } = ask<{ profile: object }>('Profiler.stop');
    await answer.send(Buffer.from(JSON.stringify(profile)));
  } finally {
    session.disconnect();
  }
}

/** So many milliseconds as were asked for, or fewer if nobody waits any more. It keeps no worker from its end. */
async function passed(answer: Answer): Promise<void> {
  const end = monotonic() + answer.argument;
  for (let left = answer.argument; left > 0 && answer.isAwaited; left = end - monotonic()) {
    await new Promise<void>((resolve) => {
      setTimeout(resolve, Math.min(left, SIGN_INTERVAL)).unref();
    });
  }
}

/** In a file in memory: the worker may not be allowed to write anywhere, and V8 takes a path alone. */
async function sendSnapshot(answer: Answer, signal: AbortSignal): Promise<void> {
  if (answer.argument !== ROOM_OR_NOT) requireMemory('use --no-room-check');
  await inChild(
    async () => {
      beFirstToGo();
      const file = check(binding.memory_file('prefork-snapshot', false), 'memfd_create');
      writeHeapSnapshot(`/proc/self/fd/${file}`);
      await sendFile(answer, file);
    },
    { nice: NICE, signal },
  );
}

async function sendFile(answer: Answer, file: number): Promise<void> {
  const chunk = Buffer.alloc(CHUNK);
  for (let at = 0; ; ) {
    const read = readSync(file, chunk, 0, chunk.length, at);
    if (read === 0) return;
    await answer.send(chunk.subarray(0, read));
    at += read;
  }
}
