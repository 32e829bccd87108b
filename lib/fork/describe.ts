/** What a fork of this process would duplicate, renew or share. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { binding } from '../base/binding';
import { type ActiveThing, activeThings, formatActive } from './active';
import { othersGoOn } from './fork';

/**
 * - `shared`: parent and child use one open file description, with one offset and one state
 * - `renewed`: the child gets its own, with the same contents (docs/fork-safety.md)
 */
export type DescriptorFate = 'shared' | 'renewed';

/** One open descriptor, and its fate. */
export interface DescribedDescriptor {
  /** The same number in parent and child. */
  fd: number;
  /** As in /proc: a path, `socket:[inode]`, `anon_inode:[eventpoll]`, … */
  target: string;
  /** What the child would have at this number. */
  fate: DescriptorFate;
  /** Bytes from the start, for regular files only. */
  offset?: number;
}

/** One thread of this process. */
export interface DescribedThread {
  /** Its kernel thread id; in the child it has another. */
  tid: number;
  /** As `ps -T` shows it, in the child too. */
  name: string;
}

/** Memory that parent and child share: both see what either writes. */
export interface SharedMapping {
  /** As in /proc/self/maps: a file, or `/dev/zero (deleted)` for memory without one. */
  path: string;
  /** Its length. */
  bytes: number;
}

/** Result of `describeFork()`. */
export interface ForkDescription {
  /** Sockets, servers, pipes, child processes, watchers, workers and requests of this thread's event loop. */
  active: ActiveThing[];
  /** Every open descriptor. */
  descriptors: DescribedDescriptor[];
  /** Every thread but the calling one: each is stopped, and restored in the child. */
  threads: DescribedThread[];
  /** Timers and immediates due in both processes. */
  timers: number;
  /** Shared memory. */
  sharedMappings: SharedMapping[];
}

const RENEWED = /^anon_inode:(\[(eventpoll|eventfd|timerfd|io_uring)\]|inotify)$/;

/** Descriptors and threads come and go while they are listed: those that are gone are left out. */
function collect<T>(directory: string, describe: (name: string) => T | undefined): T[] {
  return readdirSync(directory).flatMap((name) => {
    try {
      const described = describe(name);
      return described === undefined ? [] : [described];
    } catch {
      return [];
    }
  });
}

function readOffset(fd: number): number {
  return Number(/^pos:\s*(\d+)/.exec(readFileSync(`/proc/thread-self/fdinfo/${fd}`, 'latin1'))?.[1]);
}

function readsAndWrites(fd: number): 'reads' | 'writes' {
  const flags = Number.parseInt(
    /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/thread-self/fdinfo/${fd}`, 'latin1'))?.[1] ?? '0',
    8,
  );
  return (flags & 3) === 0 ? 'reads' : 'writes';
}

/** A pipe of which this process holds both ends is renewed, unless `pipe()` of this library made it. */
function markPrivatePipes(descriptors: DescribedDescriptor[]): void {
  const ends = new Map<string, Set<string>>();
  const pipes = descriptors.filter(({ target }) => target.startsWith('pipe:'));
  for (const { fd, target } of pipes) {
    ends.set(target, (ends.get(target) ?? new Set()).add(readsAndWrites(fd)));
  }
  for (const pipe of pipes) {
    const isPrivate = ends.get(pipe.target)?.size === 2 && !binding.process_is_shared_pipe(pipe.fd);
    if (isPrivate) pipe.fate = 'renewed';
  }
}

function describeDescriptor(name: string): DescribedDescriptor {
  const fd = Number(name);
  const target = readlinkSync(`/proc/thread-self/fd/${fd}`);
  const isFile = target.startsWith('/') && !target.startsWith('/dev/');
  const fate = RENEWED.test(target) || (isFile && othersGoOn() && isReadOnly(fd)) ? 'renewed' : 'shared';
  return isFile ? { fd, target, fate, offset: readOffset(fd) } : { fd, target, fate };
}

/** A file in which parent and child each have a position of their own: not a standard stream, and not locked. */
function isReadOnly(fd: number): boolean {
  const info = readFileSync(`/proc/thread-self/fdinfo/${fd}`, 'latin1');
  return fd > 2 && readsAndWrites(fd) === 'reads' && !/^lock:/m.test(info);
}

function describeDescriptors(): DescribedDescriptor[] {
  const listing = /^\/proc\/\d+\/task\/\d+\/fd$/; // the descriptor that this very listing is read from
  const descriptors = collect('/proc/thread-self/fd', describeDescriptor)
    .filter(({ target }) => !listing.test(target))
    .sort((a, b) => a.fd - b.fd);
  markPrivatePipes(descriptors);
  return descriptors;
}

function describeThreads(): DescribedThread[] {
  const own = basename(readlinkSync('/proc/thread-self'));
  return collect('/proc/self/task', (tid) =>
    tid === own
      ? undefined
      : { tid: Number(tid), name: readFileSync(`/proc/self/task/${tid}/comm`, 'utf8').trimEnd() },
  );
}

function describeSharedMappings(): SharedMapping[] {
  const lines = readFileSync('/proc/thread-self/maps', 'latin1').split('\n');
  return lines.flatMap((line) => {
    const [, start, end, path] = /^(\w+)-(\w+) ...s \S+ \S+ \d+\s*(.*)$/.exec(line) ?? [];
    if (start === undefined || end === undefined || path?.includes('io_uring')) return [];
    return [{ path: path ?? '', bytes: Number(BigInt(`0x${end}`) - BigInt(`0x${start}`)) }];
  });
}

/**
 * Describes what a fork would do to this process now. Changes nothing.
 *
 * Of other threads' event loops it sees only descriptors.
 * Source: /proc (proc(5)) and this thread's libuv loop.
 * @throws SystemError of node:fs if /proc cannot be read
 */
export function describeFork(): ForkDescription {
  return {
    active: activeThings(),
    descriptors: describeDescriptors(),
    threads: describeThreads(),
    timers: process.getActiveResourcesInfo().filter((name) => /^(Timeout|Immediate)$/.test(name)).length,
    sharedMappings: describeSharedMappings(),
  };
}

function section(title: string, lines: string[]): string {
  return [
    `${title}: ${lines.length === 0 ? 'none' : lines.length}`,
    ...lines.map((line) => `  ${line}`),
  ].join('\n');
}

/** Formats a description for people: several lines, without a newline at the end. */
export function formatForkDescription(description: ForkDescription): string {
  const { active, descriptors, threads, timers, sharedMappings } = description;
  const line = ({ fd, target, offset }: DescribedDescriptor) =>
    `${fd} ${target}${offset === undefined ? '' : ` at byte ${offset}`}`;
  const withFate = (fate: DescriptorFate) => descriptors.filter((each) => each.fate === fate).map(line);
  return [
    section('On the event loop, in both processes', active.map(formatActive)),
    section('Descriptors shared with the child', withFate('shared')),
    section('Descriptors that the child gets anew', withFate('renewed')),
    section(
      'Threads made again in the child',
      threads.map(({ tid, name }) => `${tid} ${name}`),
    ),
    section(
      'Memory shared with the child',
      sharedMappings.map(({ path, bytes }) => `${path || 'anonymous'} (${bytes} bytes)`),
    ),
    `Timers due in both: ${timers}`,
  ].join('\n\n');
}
