import type { ChildProcess } from 'node:child_process';
import { accessSync, closeSync, constants as fileConstants } from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { boolean, callable, given, integer, invalidValue } from '../base/arguments';
import { binding } from '../base/binding';
import { check, invalidType, type SystemError, systemError } from '../base/errors';
import { knownOptions } from '../base/option-names';
import { repr } from '../log/percent';
import { assignments, type Environment, spawnName, withoutNul } from './environment';

/** For `stdin`, `stdout` and `stderr`: a pipe, as `Subprocess.STREAM`. (Python's `subprocess.PIPE`) */
export const PIPE = -1;
/** For `stderr`: goes where standard output goes. (Python's `subprocess.STDOUT`) */
export const STDOUT = -2;
/** For `stdin`, `stdout` and `stderr`: `/dev/null`. (Python's `subprocess.DEVNULL`) */
export const DEVNULL = -3;

/**
 * A process's standard input, output or error: `Subprocess.STREAM` or `PIPE`, `DEVNULL`, for `stderr` `STDOUT`, a descriptor, or
 * null: that of this process.
 */
export type SubprocessStream = typeof Subprocess.STREAM | number | null;

/** The options of Python's `subprocess.Popen` that are here. */
export interface SubprocessOptions {
  /** Default null. */
  stdin?: SubprocessStream;
  /** Default null. */
  stdout?: SubprocessStream;
  /** Default null. */
  stderr?: SubprocessStream;
  /** The directory to start in. Default: this process's. */
  cwd?: string | null;
  /** All of the environment. Default: this process's. */
  env?: Environment | null;
  /** Have `/bin/sh -c` run it. Default false. */
  shell?: boolean | null;
  /** Make it the leader of a session of its own. Default false. */
  startNewSession?: boolean | null;
  /** Descriptors that it inherits beside the three, each with its number. Default: none. */
  passFds?: readonly number[] | null;
}

const OPTIONS = [
  'stdin',
  'stdout',
  'stderr',
  'cwd',
  'env',
  'shell',
  'startNewSession',
  'passFds',
] as const satisfies readonly (keyof SubprocessOptions)[];

/** A process ended with another status than 0 (Python's `subprocess.CalledProcessError`). */
export class CalledProcessError extends Error {
  /** Its class. */
  override name = 'CalledProcessError';
  /** The exit status, or `-signal`. */
  readonly returncode: number;
  /** What was run. Tornado's has `'unknown'` here. */
  readonly cmd: readonly string[] | string;

  /** Makes the message that Python's has. */
  constructor(returncode: number, cmd: readonly string[] | string) {
    const command = typeof cmd === 'string' ? cmd : repr(cmd);
    super(`Command '${command}' ${how(returncode)}`);
    this.returncode = returncode;
    this.cmd = cmd;
  }
}

function how(returncode: number): string {
  if (returncode >= 0) return `returned non-zero exit status ${returncode}.`;
  const name = Object.entries(constants.signals).find(([, number]) => number === -returncode)?.[0];
  return `died with ${name === undefined ? `unknown signal ${-returncode}` : `<Signals.${name}: ${-returncode}>`}.`;
}

type Given = { [Name in keyof SubprocessOptions]: Exclude<SubprocessOptions[Name], null> };

function commandOf(args: unknown, shell: boolean): string[] {
  const list = typeof args === 'string' ? [args] : args;
  if (!Array.isArray(list)) throw invalidType('args', 'a string or an array of strings', args);
  for (const each of list) withoutNul('each of args', each);
  if (shell) return ['/bin/sh', '-c', ...list]; // with no list it says itself what it misses
  if (list.length === 0) throw invalidValue('Expected args not to be empty');
  return list;
}

type Stdio = 'pipe' | 'ignore' | 'inherit' | number;

function stdioOf(name: string, value: unknown): Stdio {
  if (value === undefined) return 'inherit';
  if (value === Subprocess.STREAM || value === PIPE) return 'pipe';
  if (value === DEVNULL) return 'ignore';
  if (value === STDOUT) throw invalidValue(`Expected STDOUT for stderr only but received it for ${name}`);
  if (typeof value === 'number') return integer(name, value, 0, MAX_DESCRIPTOR);
  throw invalidType(name, 'Subprocess.STREAM, PIPE, DEVNULL, a descriptor or null', value);
}

/** Two streams with one pipe are no case of Node's: this process makes it, and reads the one end. */
interface OnePipe {
  reading: number;
  writing: number;
}

function onePipe(): OnePipe {
  const ends = new Int32Array(2);
  check(binding.process_pipe(ends), 'pipe');
  const [reading = -1, writing = -1] = ends;
  return { reading, writing };
}

/** What the three are to be; and for `STDOUT` beside a pipe, that pipe. */
function standardStreams({ stdin, stdout, stderr }: Given): { stdio: Stdio[]; both: OnePipe | undefined } {
  const [input, output] = [stdioOf('stdin', stdin), stdioOf('stdout', stdout)];
  if (stderr !== STDOUT) return { stdio: [input, output, stdioOf('stderr', stderr)], both: undefined };
  if (output !== 'pipe')
    return { stdio: [input, output, output === 'inherit' ? 1 : output], both: undefined };
  const both = onePipe();
  return { stdio: [input, both.writing, both.writing], both };
}

const FIRST_OTHER = 3;
const MAX_DESCRIPTOR = 2 ** 20; // fs.nr_open of Linux

/** Node counts them from 0: those in between are left out. */
function othersOf(passFds: readonly number[] | undefined): Stdio[] {
  if (passFds === undefined) return [];
  if (!Array.isArray(passFds)) throw invalidType('passFds', 'an array of descriptors', passFds);
  const others: Stdio[] = [];
  for (const each of passFds) {
    const fd = integer('each of passFds', each, 0, MAX_DESCRIPTOR);
    while (others.length <= fd - FIRST_OTHER) others.push('ignore');
    if (fd >= FIRST_OTHER) others[fd - FIRST_OTHER] = fd;
  }
  return others;
}

/** What lib/child_process.js hands over once it has read its own options; the answer is 0 or `-errno`. */
interface Spawning {
  spawn(options: {
    file: string;
    args: string[];
    envPairs: string[];
    stdio: Stdio[];
    cwd?: string;
    detached: boolean;
  }): number;
}

/** The errno, negative, with which nobody can enter it; 0 if one can. */
function unenterable(cwd: string): number {
  if (cwd === '') return -constants.errno.ENOENT; // chdir(2); for Node it is no directory given
  try {
    accessSync(`${cwd}/.`, fileConstants.X_OK);
    return 0;
  } catch (error) {
    return (error as SystemError).errno;
  }
}

/** Popen's error has the directory as its name if that was the reason. */
function reasonOf(error: number, file: string, cwd: string | undefined): string {
  return cwd !== undefined && unenterable(cwd) === error ? cwd : file;
}

/** 0 or `-errno`: Node returns some errors, and throws the others. */
function errorOfSpawn(spawn: () => number): number {
  try {
    return spawn();
  } catch (error) {
    if ((error as SystemError).syscall !== 'spawn') throw error;
    return (error as SystemError).errno;
  }
}

/** As `child_process.spawn`, but an error is thrown here and now, as Popen's is. */
function spawn(command: string[], options: Given, stdio: Stdio[]): ChildProcess {
  const [file = ''] = command;
  const cwd = options.cwd === undefined ? undefined : withoutNul('cwd', options.cwd);
  const spawning = {
    file: file === '' ? '/' : file, // Python finds each folder of PATH itself for '': EACCES
    args: command,
    envPairs: assignments(options.env ?? process.env, spawnName),
    stdio,
    detached: boolean('startNewSession', options.startNewSession ?? false),
    ...(cwd === undefined ? {} : { cwd }),
  };
  if (cwd === '') throw systemError(unenterable(cwd), 'spawn', { address: cwd });
  const { ChildProcess: Child } = require('node:child_process') as typeof import('node:child_process');
  const child = new (Child as unknown as new () => ChildProcess)();
  const error = errorOfSpawn(() => (child as unknown as Spawning).spawn(spawning));
  if (error >= 0) return child;
  child.on('error', () => {}); // Node tells the same in the next tick
  throw systemError(error, 'spawn', { address: reasonOf(error, file, cwd) });
}

interface Started {
  proc: ChildProcess;
  /** The pipe that standard output and error have together. */
  both: Readable | null;
}

function start(command: string[], options: Given): Started {
  const others = othersOf(options.passFds);
  const { stdio, both } = standardStreams(options);
  try {
    const proc = spawn(command, options, [...stdio, ...others]);
    return { proc, both: both === undefined ? null : new Socket({ fd: both.reading, writable: false }) };
  } catch (error) {
    if (both !== undefined) closeSync(both.reading);
    throw error;
  } finally {
    if (both !== undefined) closeSync(both.writing);
  }
}

function returncodeOf(status: number | null, signal: NodeJS.Signals | null): number {
  return signal === null ? (status ?? 0) : -constants.signals[signal];
}

/** Whether exits are reported, and which are still to be. A forked child has no subprocesses: they are its parent's. */
let listening = true;
const untold = new Set<() => void>();

function tellSoon(tell: () => void): void {
  if (listening) setImmediate(tell);
  else untold.add(tell);
}

/**
 * `tornado.process.Subprocess`: a process of another program, on `node:child_process`.
 *
 * It keeps the event loop alive until it has ended; `proc.unref()` lets go.
 */
export class Subprocess {
  /** For `stdin`, `stdout` and `stderr`: a pipe, whose other end is the attribute of that name. `PIPE` is the same here. */
  static readonly STREAM: unique symbol = Symbol('Subprocess.STREAM');

  /** Node's own object for it: send signals with it, for example. */
  readonly proc: ChildProcess;
  /** Its pid. */
  readonly pid: number;
  /** Its standard input, if that is a `STREAM`; else null. Close it with `end()`. */
  readonly stdin: Writable | null;
  /** Its standard output, if that is a `STREAM`; else null. */
  readonly stdout: Readable | null;
  /** Its standard error, if that is a `STREAM`; else null. */
  readonly stderr: Readable | null;
  /** The exit status, or `-signal`; null as long as it runs, and until the event loop has turned after its end. */
  returncode: number | null = null;
  readonly #command: readonly string[] | string;
  #exitCallback: ((returncode: number) => void) | null = null;
  readonly #waiting = new Set<(returncode: number) => void>();

  /**
   * Starts it. Descriptors other than the three are not inherited, but for `passFds`.
   *
   * @param args the program, looked for in PATH, and its arguments; a string: the program alone, or with `shell` a line for it
   * @throws SystemError spawn `ENOENT` if there is no such program, or no such `cwd`, with that one as `address`; `ENOTDIR`,
   *   `EACCES`, `EAGAIN`, `EMFILE`, or `EBADF` if a descriptor that it is to have is not open
   * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, `ERR_PREFORK_INVALID_ARG_VALUE`, RangeError `ERR_PREFORK_OUT_OF_RANGE`
   */
  constructor(args: readonly string[] | string, options: SubprocessOptions = {}) {
    const chosen = given('options', options) as Given;
    knownOptions('options', chosen, OPTIONS);
    this.#command = args;
    const { proc, both } = start(commandOf(args, boolean('shell', chosen.shell ?? false)), chosen);
    this.proc = proc;
    this.pid = this.proc.pid ?? -1;
    this.stdin = this.proc.stdin;
    this.stdout = both ?? this.proc.stdout;
    this.stderr = this.proc.stderr;
    this.proc.once('exit', (status, signal) => tellSoon(() => this.#ended(returncodeOf(status, signal))));
  }

  /**
   * Calls `callback` with the return code once the process has ended, in a later turn of the event loop, even if it has ended
   * already. A later call replaces the callback.
   *
   * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`
   */
  setExitCallback(callback: (returncode: number) => void): void {
    this.#exitCallback = callable('callback', callback);
    Subprocess.initialize();
    const { returncode } = this;
    if (returncode !== null) setImmediate(() => this.#ended(returncode));
  }

  /**
   * Waits for the end while the event loop turns. Any number may wait, beside an exit callback; in Tornado
   * only the last caller hears of it.
   *
   * @param raiseError false: resolve whatever the return code is
   * @returns the return code: the exit status, or `-signal`
   * @throws CalledProcessError as a rejection, if the return code is not 0
   */
  waitForExit(raiseError = true): Promise<number> {
    boolean('raiseError', raiseError);
    Subprocess.initialize();
    return new Promise((resolve, reject) => {
      const done = (returncode: number) => {
        if (returncode === 0 || !raiseError) resolve(returncode);
        else reject(new CalledProcessError(returncode, this.#command));
      };
      if (this.returncode === null) this.#waiting.add(done);
      else done(this.returncode);
    });
  }

  /** Reports exits again after `uninitialize`, also those in between. `setExitCallback` and `waitForExit` call it. */
  static initialize(): void {
    listening = true;
    for (const tell of untold) setImmediate(tell);
    untold.clear();
  }

  /** Reports no exit until `initialize` is called. Node goes on reaping: there are no zombies. */
  static uninitialize(): void {
    listening = false;
  }

  #ended(returncode: number): void {
    this.returncode = returncode;
    for (const done of this.#waiting) done(returncode);
    this.#waiting.clear();
    const callback = this.#exitCallback;
    this.#exitCallback = null;
    callback?.(returncode);
  }
}
