/**
 * A manager as another process of its user, or root, sees it. It is asked nothing and notices nothing: what it shows and
 * what its workers say of themselves are read from memory, and believed no further than for showing. In that memory its
 * workers can be asked, too (questions.ts).
 */
import { closeSync, constants, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { binding } from '../../base/binding';
import { check, preforkError } from '../../base/errors';
import { type Figures, figuresIn, placeOfLine } from '../scoreboard';
import { factsOf, startOf, userOf } from '../system/process-facts';
import { type Shown, VERSION } from './form';
import { readShown, SHOWN_FILE } from './shown-file';

const SHOWN = new RegExp(`^/memfd:${SHOWN_FILE}:(\\d+) \\(deleted\\)$`);
const SCOREBOARD = '/memfd:prefork-scoreboard (deleted)';

/** Where its files are, in /proc. */
interface Files {
  shown: string;
  /** null: a module that was loaded before it has made the memory, which is no file then. */
  scoreboard: string | null;
}

export class SeenManager {
  readonly pid: number;
  readonly startedAt: Date;
  readonly #started: number;
  readonly #shown: number;
  readonly #scoreboard: number | null;

  /**
   * @throws Error `ERR_PREFORK_INVALID_ARG_VALUE`: there is no such process, or it is no manager; `EACCES`: it is another
   *   user's, or has changed its user; `ERR_PREFORK_UNSUPPORTED`: it is of another version
   */
  constructor(pid: number) {
    const facts = factsOf(pid);
    if (facts === undefined || facts.isZombie) throw gone(pid);
    const { shown, scoreboard } = filesOf(pid);
    this.pid = pid;
    this.startedAt = startOf(facts);
    this.#started = facts.started;
    this.#shown = open(shown, pid);
    this.#scoreboard = scoreboard === null ? null : open(scoreboard, pid);
    if (this.isAlive) return;
    this.close();
    throw gone(pid);
  }

  /** The same process, not another one with its number. */
  get isAlive(): boolean {
    const facts = factsOf(this.pid);
    return facts !== undefined && !facts.isZombie && facts.started === this.#started;
  }

  get neighbour(): number {
    return this.pid;
  }

  /** The file in which it shows how it is, for locks. */
  get shownFile(): number {
    return this.#shown;
  }

  /** undefined: it is just changing it. */
  look(): Shown | undefined {
    return readShown(this.#shown);
  }

  /** undefined: not to be had. */
  figures(row: number): Figures | undefined {
    if (this.#scoreboard === null) return undefined;
    const { at, bytes } = placeOfLine(row);
    const line = new Float64Array(bytes / Float64Array.BYTES_PER_ELEMENT);
    const read = readSync(this.#scoreboard, line, 0, bytes, at);
    return read === bytes ? figuresIn(line) : undefined;
  }

  /**
   * From now on this process has the memory that the manager shares with its workers, to which it may write, as they may. A
   * descriptor of it, for locks.
   *
   * @throws Error `ERR_PREFORK_UNSUPPORTED`: it is no file
   */
  shareMemory(): number {
    const { scoreboard } = filesOf(this.pid);
    if (scoreboard === null) {
      throw preforkError(
        'ERR_PREFORK_UNSUPPORTED',
        `The workers of process ${this.pid} cannot be asked: something that it loaded first keeps their memory to itself`,
      );
    }
    const fd = open(scoreboard, this.pid, 'r+');
    if (!this.isAlive) throw gone(this.pid);
    check(binding.shared_memory_file(fd), 'mmap');
    return fd;
  }

  close(): void {
    closeSync(this.#shown);
    if (this.#scoreboard !== null) closeSync(this.#scoreboard);
  }
}

/** The pids of all managers that this process may look into, of any version. */
export function managerPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => descriptorsOf(pid).some((each) => versionShownBy(each) !== undefined));
}

function filesOf(pid: number): Files {
  const descriptors = descriptorsOf(pid, (error) => {
    throw hidden(pid, error);
  });
  const scoreboard = descriptors.find(({ target }) => target === SCOREBOARD)?.path ?? null;
  const versions = descriptors.flatMap((each) => {
    const version = versionShownBy(each);
    return version === undefined ? [] : [{ path: each.path, version }];
  });
  const shown = versions.find(({ version }) => version === String(VERSION))?.path;
  if (shown !== undefined) return { shown, scoreboard };
  if (versions.length > 0) {
    throw preforkError(
      'ERR_PREFORK_UNSUPPORTED',
      `Process ${pid} is a manager of another version of prefork: use the command of that version, or send it signals`,
    );
  }
  throw refusal(`Process ${pid} is no manager of prefork, or one of an older version`);
}

interface Descriptor {
  path: string;
  target: string;
}

function descriptorsOf(pid: number, failed: (error: NodeJS.ErrnoException) => void = () => {}): Descriptor[] {
  const folder = `/proc/${pid}/fd`;
  let names: string[] = [];
  try {
    names = readdirSync(folder);
  } catch (error) {
    failed(error as NodeJS.ErrnoException);
  }
  return names.map((name) => ({ path: `${folder}/${name}`, target: targetOf(`${folder}/${name}`, failed) }));
}

/** undefined: it shows no manager. An attendant has its manager's file, too, but only to read it. */
function versionShownBy({ path, target }: Descriptor): string | undefined {
  const [, version] = SHOWN.exec(target) ?? [];
  return version !== undefined && isForWriting(path) ? version : undefined;
}

/** By the mode of the link in /proc/PID/fd. */
function isForWriting(link: string): boolean {
  try {
    return (lstatSync(link).mode & constants.S_IWUSR) !== 0;
  } catch {
    return false; // closed meanwhile
  }
}

/** Empty if it has been closed meanwhile. */
function targetOf(link: string, failed: (error: NodeJS.ErrnoException) => void): string {
  try {
    return readlinkSync(link);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') failed(error as NodeJS.ErrnoException);
    return '';
  }
}

function open(path: string, pid: number, flags = 'r'): number {
  try {
    return openSync(path, flags);
  } catch (error) {
    throw hidden(pid, error as NodeJS.ErrnoException);
  }
}

/** Why /proc/PID/fd cannot be read. */
function hidden(pid: number, error: NodeJS.ErrnoException): Error {
  const user = userOf(pid);
  if (error.code === 'ENOENT' || error.code === 'ESRCH' || user === undefined) return gone(pid);
  if (error.code !== 'EACCES' && error.code !== 'EPERM') return error;
  const isForeign = user !== process.getuid?.() && process.getuid?.() !== 0;
  const what = isForeign
    ? `Process ${pid} belongs to user ${user}: only that user and root may look into it`
    : `The kernel lets nobody look into process ${pid} without CAP_SYS_PTRACE, for it has bound a socket as another user: run this as root, in a container with --cap-add SYS_PTRACE`;
  return Object.assign(new Error(what, { cause: error }), { code: error.code });
}

function gone(pid: number): Error {
  return refusal(`There is no process ${pid}`);
}

function refusal(message: string): Error {
  return preforkError('ERR_PREFORK_INVALID_ARG_VALUE', message);
}
