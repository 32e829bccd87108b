/**
 * What a module does while it is evaluated that goes beyond its process, or comes out differently in each process. Looked for
 * in a process that is given up afterwards: functions of Node's are replaced in it.
 */
import childProcess from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import { dirname, sep } from 'node:path';
import { openedBy } from '../../testing/opened';

/** Functions of node:fs, and of its promises, that change something, with or without `Sync` in the name. */
const WRITES =
  /^(append|chmod|chown|copy|cp|createWriteStream|fch|ftr|fut|lch|link|lut|mkd|rename|rm|sym|trunc|unl|utimes|watch|write)/;
const STARTS = ['exec', 'execFile', 'execFileSync', 'execSync', 'fork', 'spawn', 'spawnSync'];
const RANDOM = ['getRandomValues', 'randomBytes', 'randomFill', 'randomFillSync', 'randomInt', 'randomUUID'];
const PRINTS = ['debug', 'dir', 'error', 'group', 'info', 'log', 'table', 'trace', 'warn'];
/** Variables in which the processes of one run differ. */
const OWN_VARIABLES = ['VITEST_POOL_ID', 'VITEST_WORKER_ID'];

const OWN_FILES = dirname(dirname(__dirname)) + sep;

type Holder = Record<string, unknown>;

/** The files on the stack, but for Node's and those of this package. */
function callers(): string[] {
  const { prepareStackTrace, stackTraceLimit } = Error;
  Error.stackTraceLimit = 50;
  Error.prepareStackTrace = (_, sites) => sites.map((site) => site.getFileName() ?? '');
  const files = new Error('').stack as unknown as string[];
  Object.assign(Error, { prepareStackTrace, stackTraceLimit });
  return files.filter((file) => file !== '' && !file.startsWith('node:') && !file.startsWith(OWN_FILES));
}

/** Packages mix random numbers into names of properties; what a project's own module makes of one may have to be unique. */
function isOwnModule(file: string): boolean {
  return !file.includes('/node_modules/');
}

export class Effects {
  hasAny = false;

  /** From now on. */
  constructor() {
    this.#forbidFunctions(fs, Object.keys(fs).filter(isWrite), 'fs');
    this.#forbidFunctions(fs.promises, Object.keys(fs.promises).filter(isWrite), 'fs.promises');
    for (const holder of [fs, fs.promises]) this.#forbidOpenToWrite(holder as unknown as Holder);
    this.#forbidFunctions(childProcess, STARTS, 'child_process');
    this.#forbidFunctions(net.Socket.prototype, ['connect'], 'net.Socket');
    this.#forbidFunctions(net.Server.prototype, ['listen'], 'net.Server');
    this.#forbidFunctions(process, ['abort', 'dlopen', 'kill', 'reallyExit'], 'process');
    this.#forbidFunctions(process.stdout, ['write'], 'process.stdout');
    this.#forbidFunctions(process.stderr, ['write'], 'process.stderr');
    this.#forbidFunctions(console, PRINTS, 'console');
    for (const [holder, names] of [
      [Math, ['random']],
      [crypto, RANDOM],
      [Object.getPrototypeOf(crypto.webcrypto), RANDOM],
    ] as const)
      this.#note(holder, names, () => callers().some(isOwnModule));
    for (const name of ['pid', 'ppid'] as const) this.#noteRead(process, name);
    this.#noteVariables();
    syncBuiltinESMExports();
  }

  /** Evaluates it, and says whether it had none. */
  async areNoneOf(evaluate: () => Promise<unknown>): Promise<boolean> {
    try {
      const opened = await openedBy(evaluate);
      return opened.length === 0 && !this.hasAny;
    } catch {
      return false;
    }
  }

  #refuse(what: string): never {
    this.hasAny = true;
    throw new Error(`prefork/vitest: ${what} is for the process of a test file`);
  }

  #replace(holder: object, name: string, handler: (original: () => unknown) => ProxyHandler<() => unknown>) {
    const original = Reflect.get(holder, name) as unknown;
    if (typeof original !== 'function') return;
    if (Object.getOwnPropertyDescriptor(holder, name)?.configurable === false) return;
    const value = new Proxy(original as () => unknown, handler(original as () => unknown));
    Object.defineProperty(holder, name, { value, configurable: true, writable: true, enumerable: true });
  }

  #forbidFunctions(holder: object, names: readonly string[], of: string): void {
    const apply = (name: string) => () => this.#refuse(`${of}.${name}()`);
    for (const name of names) this.#replace(holder, name, () => ({ apply: apply(name) }));
  }

  #forbidOpenToWrite(holder: Holder): void {
    for (const name of ['open', 'openSync']) {
      this.#replace(holder, name, (original) => ({
        apply: (_, self, args: unknown[]) => {
          const flags = typeof args[1] === 'function' ? undefined : args[1];
          const isRead = flags === undefined || flags === 'r' || flags === fs.constants.O_RDONLY;
          return isRead ? Reflect.apply(original, self, args) : this.#refuse('opening a file to write');
        },
      }));
    }
  }

  #note(holder: object, names: readonly string[], isMeant: () => boolean): void {
    for (const name of names) {
      this.#replace(holder, name, (original) => ({
        apply: (_, self, args) => {
          if (isMeant()) this.hasAny = true;
          return Reflect.apply(original, self, args);
        },
      }));
    }
  }

  #noteRead(holder: NodeJS.Process, name: 'pid' | 'ppid'): void {
    const value = holder[name];
    const get = () => {
      if (callers().length > 0) this.hasAny = true;
      return value;
    };
    Object.defineProperty(holder, name, { get, configurable: true, enumerable: true });
  }

  #noteVariables(): void {
    const get = (target: NodeJS.ProcessEnv, name: string | symbol): unknown => {
      if (OWN_VARIABLES.includes(String(name)) && callers().length > 0) this.hasAny = true;
      return Reflect.get(target, name);
    };
    process.env = new Proxy(process.env, {
      get,
      set: (target, name, value) => Reflect.set(target, name, value),
    });
  }
}

function isWrite(name: string): boolean {
  return WRITES.test(name);
}
