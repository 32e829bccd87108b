/**
 * What a manager shows of itself to those who may send it signals: a file in memory, found among its descriptors
 * (proc_pid_fd(5)), which the kernel lets nobody else open. Workers have no descriptor of it.
 */
import { closeSync, ftruncateSync, openSync, readdirSync, readlinkSync, readSync, writeSync } from 'node:fs';
import { binding } from '../../base/binding';
import { check, preforkError } from '../../base/errors';
import type { State } from '../policy';

/** To be raised when what is published changes its form. */
const VERSION = 1;
const NAME = 'prefork-manager';
const LINK = new RegExp(`^/memfd:${NAME}:(\\d+) \\(deleted\\)$`);

const LONGEST_REASON = 2000;
/** Bytes; more is none of ours. */
const LONGEST = 16 * 1024;

export interface Published {
  phase: State['phase'];
  /** The generation that was begun last. */
  newest: number;
  /** The one that serves; null: none yet. */
  generation: number | null;
  /** A generation is being loaded, or workers are being replaced. */
  isReplacing: boolean;
  /** The last one that was not put into service. */
  refused: { generation: number; why: string } | null;
}

/** The manager's end. */
export class PublishedState {
  readonly fd: number;
  #shown = '';
  #changes = 0;

  /** @param fd the file, if an earlier program of this process has made it */
  constructor(fd = check(binding.memory_file(`${NAME}:${VERSION}`), 'memfd_create')) {
    this.fd = fd;
  }

  /**
   * Between the same two numbers: a reader that finds others, or more, has read in the middle of a change. Written by
   * position, for all who have the file open share one.
   */
  show(state: State): void {
    const text = JSON.stringify(publishedOf(state));
    if (text === this.#shown) return;
    this.#shown = text;
    this.#changes += 1;
    const bytes = Buffer.from(`${this.#changes}\n${text}\n${this.#changes}\n`);
    writeSync(this.fd, bytes, 0, bytes.length, 0);
    ftruncateSync(this.fd, bytes.length);
  }

  /** In a child. */
  letGo(): void {
    closeSync(this.fd);
  }
}

function publishedOf(state: State): Published {
  const { phase, newest, generation, everLoaded, rolling, candidate, refused } = state;
  return {
    phase,
    newest,
    generation: everLoaded ? generation : null,
    isReplacing: rolling || candidate !== null || !everLoaded,
    refused: refused && { ...refused, why: refused.why.slice(0, LONGEST_REASON) },
  };
}

/**
 * What the manager with this pid shows at the moment; undefined: it is just changing it.
 *
 * @throws Error `ERR_PREFORK_INVALID_ARG_VALUE`: there is no such process, it is none that shows its state, or it shows it
 *   in the form of another version; SystemError open `EACCES`: it is another user's
 */
export function readPublished(pid: number): Published | undefined {
  const fd = openSync(findFile(pid), 'r');
  try {
    const buffer = Buffer.alloc(LONGEST);
    return parse(buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, 0)));
  } finally {
    closeSync(fd);
  }
}

function findFile(pid: number): string {
  const folder = `/proc/${pid}/fd`;
  for (const name of namesIn(folder, pid)) {
    const version = LINK.exec(targetOf(`${folder}/${name}`))?.[1];
    if (version === String(VERSION)) return `${folder}/${name}`;
    if (version !== undefined) throw refusal(`Process ${pid} is a manager of another version of prefork`);
  }
  throw refusal(`Process ${pid} is no manager of prefork, or one of an older version`);
}

function namesIn(folder: string, pid: number): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw refusal(`There is no process ${pid}`);
    throw error;
  }
}

/** Empty if it has been closed meanwhile. */
function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return '';
  }
}

function refusal(message: string): Error {
  return preforkError('ERR_PREFORK_INVALID_ARG_VALUE', message);
}

function parse(text: string): Published | undefined {
  const [before, json = '', after, ...rest] = text.split('\n');
  if (before === '' || before !== after || rest.join() !== '') return undefined;
  return JSON.parse(json) as Published;
}
