/**
 * node:test starts each test file by spawn() of node:child_process, whose objects have the process itself in `_handle`. Here
 * a test file's object stays as it is, streams and events too, and only what its handle does is done otherwise.
 */
import { ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { SystemError } from '../base/errors';
import { socketpair } from '../os';
import type { Ended } from '../testing/orders';

/** What child_process has made of its arguments. */
export interface Spawning {
  file: string;
  /** With the name of the program. */
  args: readonly string[];
  cwd?: string;
  envPairs?: readonly string[];
  stdio: unknown;
}

/** Node's ProcessWrap. */
interface ProcessHandle {
  spawn(): number;
  kill(signal: number): number;
  onexit(status: number, signal: string): void;
}

interface Pipe {
  open(fd: number): number;
}

interface Internals {
  _handle: ProcessHandle;
  spawn(options: Spawning): number;
}

/** A test file that is to run, as node:test sees it. */
export class SpawnedFile {
  readonly options: Spawning;
  /** The other ends of its standard streams. */
  readonly streams: readonly number[];
  readonly #handle: ProcessHandle;
  #kill: ((signal: number) => void) | undefined;
  #signal: number | undefined;

  constructor(handle: ProcessHandle, options: Spawning, streams: readonly number[]) {
    this.#handle = handle;
    this.options = options;
    this.streams = streams;
  }

  /** From now on there is a process, which has the streams. */
  begins(kill: (signal: number) => void): void {
    for (const fd of this.streams) closeSync(fd);
    this.#kill = kill;
    if (this.#signal !== undefined) kill(this.#signal);
  }

  kill(signal: number): number {
    this.#signal = signal;
    this.#kill?.(signal);
    return 0;
  }

  ends({ status, signal }: Ended): void {
    this.#handle.onexit(status, signal);
  }
}

function openStreams(stdio: readonly { handle: Pipe }[]): number[] {
  const theirs: number[] = [];
  try {
    for (const { handle } of stdio) {
      const [here, there] = socketpair();
      theirs.push(there);
      handle.open(here);
    }
  } catch (error) {
    for (const fd of theirs) closeSync(fd);
    throw error;
  }
  return theirs;
}

let isOurs = false;

/** What is spawned meanwhile is no test file, whatever it looks like. */
export function apart<T>(spawn: () => T): T {
  isOurs = true;
  try {
    return spawn();
  } finally {
    isOurs = false;
  }
}

/** Has `begin` called for each test file, instead of a start by Node; `isWanted` is asked which these are. */
export function intercept(
  isWanted: (options: Spawning) => boolean,
  begin: (file: SpawnedFile) => void,
): void {
  const prototype = ChildProcess.prototype as unknown as Internals;
  const { spawn } = prototype;
  prototype.spawn = function (this: Internals, options) {
    if (!isOurs && isWanted(options)) standIn(this._handle, options, begin);
    return spawn.call(this, options);
  };
}

/** What the handle is called with is another thing in each version of Node; `options.stdio` has the streams by then. */
function standIn(handle: ProcessHandle, options: Spawning, begin: (file: SpawnedFile) => void): void {
  handle.spawn = () => {
    try {
      const file = new SpawnedFile(handle, options, openStreams(options.stdio as { handle: Pipe }[]));
      handle.kill = (signal) => file.kill(signal);
      begin(file);
      return 0;
    } catch (error) {
      const { errno } = error as Partial<SystemError>;
      if (errno === undefined) throw error;
      return errno;
    }
  };
}
