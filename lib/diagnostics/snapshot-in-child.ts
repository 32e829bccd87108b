/** A snapshot of the heap, taken while the program goes on: in a child that has the same heap. */
import { closeSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { writeHeapSnapshot } from 'node:v8';
import { boolean, callable, object, string } from '../base/arguments';
import { knownOptions } from '../base/option-names';
import { clearInterval, setInterval } from '../base/timers';
import { type InChildOptions, inChild } from '../parallel/in-child';
import { beFirstToGo } from './first-to-go';
import { requireRoom } from './room';

/** How far a snapshot is. */
export interface SnapshotProgress {
  /** V8 collects all of it in memory before it writes. */
  phase: 'collecting' | 'writing';
  /** Written so far. */
  bytes: number;
  /** Milliseconds since the call. */
  elapsed: number;
}

/** Options of `snapshotInChild()`. */
export interface SnapshotOptions extends Pick<InChildOptions, 'timeout' | 'signal'> {
  /** Added to the niceness of the child, 0 to 19. Default: 10. */
  nice?: number;
  /** Refuse if memory or disk may not suffice. Default: true. */
  checkRoom?: boolean;
  /** Called ten times a second. */
  onProgress?: (progress: SnapshotProgress) => void;
}

/** A snapshot that has been written. */
export interface Snapshot {
  /** Absolute. */
  path: string;
  /** Of the file. */
  bytes: number;
  /** Milliseconds from the call until it was there. */
  elapsed: number;
}

const OPTIONS = [
  'timeout',
  'signal',
  'nice',
  'checkRoom',
  'onProgress',
] as const satisfies readonly (keyof SnapshotOptions)[];

const NICE = 10;
/** Milliseconds between two looks at the file. */
const LOOK = 100;

function watchProgress(file: string, since: number, tell: (progress: SnapshotProgress) => void): () => void {
  const timer = setInterval(() => {
    const bytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    tell({ phase: bytes === 0 ? 'collecting' : 'writing', bytes, elapsed: performance.now() - since });
  }, LOOK);
  return () => clearInterval(timer);
}

/** Whoever can read a snapshot can read every string of the program. */
function reserve(file: string): void {
  closeSync(openSync(file, 'wx', 0o600));
}

/**
 * Writes a snapshot of this thread's heap, as `v8.writeHeapSnapshot()` does, without stopping the program: a child has the same
 * heap, and does it. The snapshot is of the moment of the fork, at the next turn of the event loop.
 *
 * **In the parent** the event loop goes on. The file appears when it is whole: until then it is `<path>.<pid>.partial` beside
 * it, which is removed if it cannot be finished. What was at `path` is replaced. Only its owner may read the file.
 *
 * **In the child** V8 takes 3 to 12 times as much memory as the heap has. It is the first that the kernel ends when memory runs
 * out, and gives way to others on the processor. It dies with its parent.
 *
 * @throws Error `ERR_PREFORK_NO_ROOM` if memory (of the machine, or of the cgroup) or the file system may not suffice
 * @throws Error `ERR_PREFORK_TIMEOUT`, `ABORT_ERR`, `ERR_PREFORK_CHILD_KILLED`, `ERR_PREFORK_BUSY`, `ERR_PREFORK_UNSUPPORTED`: as
 *   `inChild()`
 * @throws SystemError of node:fs if the file cannot be written
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, RangeError `ERR_PREFORK_OUT_OF_RANGE`; all as rejections
 */
export async function snapshotInChild(path: string, options: SnapshotOptions = {}): Promise<Snapshot> {
  const whole = resolve(string('path', path));
  knownOptions('options', object('options', options), OPTIONS);
  const { checkRoom = true, onProgress, nice = NICE, ...inner } = options;
  boolean('options.checkRoom', checkRoom);
  if (onProgress !== undefined) callable('options.onProgress', onProgress);
  if (checkRoom) requireRoom(dirname(whole));
  const since = performance.now();
  const partial = `${whole}.${process.pid}.partial`;
  reserve(partial);
  const stopWatching = onProgress === undefined ? () => {} : watchProgress(partial, since, onProgress);
  try {
    await inChild(
      () => {
        beFirstToGo();
        writeHeapSnapshot(partial);
      },
      { nice, ...inner },
    );
    renameSync(partial, whole);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  } finally {
    stopWatching();
  }
  return { path: whole, bytes: statSync(whole).size, elapsed: performance.now() - since };
}
