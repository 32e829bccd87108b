/**
 * How root opens files whose path others can influence. It follows no link in a directory that others can write to: they
 * choose where the link leads, and can change it between a check and the use. So it walks a path one directory at a time,
 * and works at its end by descriptor.
 *
 * A process that is not root has only its user's rights, and no link leads it where its user cannot go: it follows links as
 * usual.
 */
import { type BigIntStats, closeSync, constants, fstatSync, readlinkSync } from 'node:fs';
import { constants as systemConstants } from 'node:os';
import { binding } from '../../base/binding';
import { check, preforkError, systemError } from '../../base/errors';

const { O_CREAT, O_EXCL, O_NOFOLLOW, S_IFMT, S_IFLNK, S_IFREG } = constants;
/** open(2): a name for a file, not the use of it. Missing in `fs.constants`; the same on x64 and arm64. */
const O_PATH = 0o10000000;
/** openat(2): seen from the working directory. */
const AT_FDCWD = -100;

/** As many links as the kernel follows (path_resolution(7)). */
const MAX_LINKS = 40;
/** How often a name may vanish between two calls before that counts as an attack. */
const ATTEMPTS = 10;

const STICKY = 0o1000n;
const WRITABLE_BY_ALL = 0o002n;
const WRITABLE_BY_GROUP = 0o020n;

const { ELOOP, ENOENT, EEXIST, ENOTDIR } = systemConstants.errno;

/** What tells a file from all others, as long as somebody has it open. */
export interface Identity {
  dev: bigint;
  ino: bigint;
}

/** The directory that a path ends in, held open, and the name in it. */
export interface DirectoryEntry {
  /** Opened with O_PATH. */
  directory: number;
  name: string;
  /** As text, for messages. */
  path: string;
  /** Others can make, swap or remove names in it. */
  isShared: boolean;
  /** Others could replace a directory on the way: the text cannot be relied upon. */
  isUnsettled: boolean;
  stats: BigIntStats;
}

/** A name under which the kernel finds exactly this entry, whatever happens to the directories on the way. */
export function throughDescriptor({ directory, name }: DirectoryEntry): string {
  return `/proc/self/fd/${directory}/${name}`;
}

/**
 * Walks to the directory that holds the last name of a path, and calls `use` with it.
 *
 * @throws Error `ERR_PREFORK_UNSAFE_PATH`: root would follow a link that others can change; SystemError open `ENOENT` …
 */
export function inDirectoryOf<T>(path: string, use: (entry: DirectoryEntry) => T): T {
  const walk = new Walk();
  try {
    return use(walk.to(absolute(path)));
  } finally {
    walk.end();
  }
}

/** Not normalised: behind a link `..` is the parent of what it leads to. */
export function absolute(path: string): string {
  return path.startsWith('/') ? path : `${process.cwd()}/${path}`;
}

class Walk {
  #directory = -1;
  #links = 0;
  #isUnsettled = false;

  to(path: string): DirectoryEntry {
    let names = namesOf(path);
    this.#goTo(openAt(AT_FDCWD, '/', O_PATH, path));
    for (;;) {
      const [name = '.', ...rest] = names;
      if (rest.length === 0) return this.#entryOf(name, path);
      const found = openAt(this.#directory, name, O_PATH | O_NOFOLLOW, path);
      if (kindOf(fstatOf(found)) === S_IFLNK) {
        closeSync(found);
        names = [...this.#follow(name, path), ...rest];
      } else {
        this.#enter(name, found);
        names = rest;
      }
    }
  }

  end(): void {
    if (this.#directory !== -1) closeSync(this.#directory);
  }

  #entryOf(name: string, path: string): DirectoryEntry {
    const stats = fstatOf(this.#directory);
    if (!stats.isDirectory()) throw systemError(-ENOTDIR, 'open', { address: path });
    const isShared = canOthersWrite(stats);
    return { directory: this.#directory, name, path, isShared, isUnsettled: this.#isUnsettled, stats };
  }

  #enter(name: string, found: number): void {
    if (name !== '..' && canOthersSwap(fstatOf(this.#directory), fstatOf(found))) this.#isUnsettled = true;
    this.#goTo(found);
  }

  /** The names that a link of this directory stands for. */
  #follow(name: string, path: string): string[] {
    this.#links += 1;
    if (this.#links > MAX_LINKS) throw systemError(-ELOOP, 'open', { address: path });
    const where = { directory: this.#directory, stats: fstatOf(this.#directory), path };
    const target = targetOf(where, name);
    if (target.startsWith('/')) this.#goTo(openAt(AT_FDCWD, '/', O_PATH, path));
    return namesOf(target);
  }

  #goTo(directory: number): void {
    this.end();
    this.#directory = directory;
  }
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

/** Nobody else can change a link in a directory that only we can write to, so that it may be read by name. */
function targetOf(
  { directory, stats, path }: Pick<DirectoryEntry, 'directory' | 'stats' | 'path'>,
  name: string,
): string {
  if (canOthersWrite(stats))
    throw unsafe(path, `it has a link, ${name}, in a directory that ${writersOf(stats)}`);
  return readlinkSync(`/proc/self/fd/${directory}/${name}`);
}

// --- Who can be trusted with what ---

function isOurs(uid: bigint): boolean {
  return uid === 0n || uid === BigInt(process.geteuid?.() ?? 0);
}

/** The bits of the group are also the mask of an access control list (acl(5)), which gives nobody more than these. */
export function canOthersWrite({ uid, gid, mode }: BigIntStats): boolean {
  if (process.geteuid?.() !== 0) return false;
  return !isOurs(uid) || (mode & WRITABLE_BY_ALL) !== 0n || ((mode & WRITABLE_BY_GROUP) !== 0n && gid !== 0n);
}

/** With the sticky bit only the owner of a name, of its directory, and root can take it away (unlink(2)). */
function canOthersSwap(directory: BigIntStats, entry: BigIntStats): boolean {
  const isSticky = (directory.mode & STICKY) !== 0n && isOurs(directory.uid);
  return canOthersWrite(directory) && !(isSticky && isOurs(entry.uid));
}

/** For messages. */
export function writersOf({ uid, gid, mode }: BigIntStats): string {
  if ((mode & WRITABLE_BY_ALL) !== 0n) return 'everybody can write to';
  return isOurs(uid) ? `group ${gid} can write to` : `belongs to user ${uid}`;
}

export function unsafe(path: string, why: string): Error {
  return preforkError(
    'ERR_PREFORK_UNSAFE_PATH',
    `Expected a path that root can trust but received ${path}: ${why}`,
  );
}

/**
 * Throws if others than root could put something else in the place of this file, or change it.
 *
 * @throws Error `ERR_PREFORK_UNSAFE_PATH`; SystemError open `ENOENT` …
 */
export function trust(path: string): void {
  const target = inDirectoryOf(path, (entry) => {
    const result = lookAt(entry, (file) => trustIn(entry, file));
    if (result === undefined) throw systemError(-ENOENT, 'open', { address: path });
    return result;
  });
  if (target !== null) trust(target);
}

/** Where it leads, if it is a link. */
function trustIn(entry: DirectoryEntry, file: BigIntStats): string | null {
  const { stats, path, isUnsettled } = entry;
  if (isUnsettled) throw unsafe(path, 'others can replace a directory on the way to it');
  if (canOthersSwap(stats, file)) throw unsafe(path, `it is in a directory that ${writersOf(stats)}`);
  if (kindOf(file) === S_IFLNK) return beside(entry);
  if (canOthersWrite(file)) throw unsafe(path, `it is a file that ${writersOf(file)}`);
  return null;
}

/** Where a link leads that is the last name of a path. */
function beside(entry: DirectoryEntry): string {
  const target = targetOf(entry, entry.name);
  return target.startsWith('/') ? target : `${entry.path.replace(/[^/]*\/*$/, '')}${target}`;
}

// --- Files ---

export interface Opened {
  fd: number;
  /** Without a link as its last name. */
  path: string;
}

export interface OpenOptions {
  /** Of open(2), without those that create. */
  flags: number;
  /** Of a file that is made. */
  mode: number;
  /** In a directory that others can write to, also the directory's owner may own the file. */
  mayBelongToOwner?: boolean;
}

/**
 * Opens a regular file, or makes it. In a directory that others can write to it must be ours, and have no second name:
 * that could be one of root's own files, linked to from there.
 *
 * @throws Error `ERR_PREFORK_UNSAFE_PATH`; SystemError open `EACCES`, `ENOENT`, `EISDIR` …
 */
export function openFile(path: string, options: OpenOptions, links = 0): Opened {
  if (links > MAX_LINKS) throw systemError(-ELOOP, 'open', { address: path });
  const result = inDirectoryOf(path, (entry) => openIn(entry, options));
  return typeof result === 'string' ? openFile(result, options, links + 1) : result;
}

/** The path to go on with, if it is a link. */
function openIn(entry: DirectoryEntry, options: OpenOptions): Opened | string {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const opened = lookAt(entry, (file, held) => reopen(file, held, entry, options));
    if (opened !== undefined) return opened;
    const flags = options.flags | O_CREAT | O_EXCL;
    const made = binding.path_openat(entry.directory, entry.name, flags, options.mode);
    if (made !== -EEXIST) return { fd: check(made, 'open', { address: entry.path }), path: entry.path };
  }
  throw unsafe(entry.path, 'somebody makes and removes it all the time');
}

/** By descriptor, so that what was looked at is what is opened, and a pipe is never waited for. */
function reopen(
  file: BigIntStats,
  held: number,
  entry: DirectoryEntry,
  { flags, mayBelongToOwner = false }: OpenOptions,
): Opened | string {
  if (kindOf(file) === S_IFLNK) return beside(entry);
  if (kindOf(file) !== S_IFREG) throw unsafe(entry.path, 'it is no regular file');
  if (entry.isShared) refuseForeign(file, entry, mayBelongToOwner);
  return { fd: openAt(AT_FDCWD, `/proc/self/fd/${held}`, flags, entry.path), path: entry.path };
}

function refuseForeign(file: BigIntStats, { stats, path }: DirectoryEntry, mayBelongToOwner: boolean): void {
  const isOwners = mayBelongToOwner && file.uid === stats.uid;
  if (!isOurs(file.uid) && !isOwners) throw unsafe(path, `it belongs to user ${file.uid}`);
  if (file.nlink !== 1n)
    throw unsafe(path, `it has other names, and is in a directory that ${writersOf(stats)}`);
}

/** Removes a name if it still is that of this file, which somebody must have open: else another may be like it. */
export function removeIfStill(path: string, identity: Identity): boolean {
  return inDirectoryOf(path, (entry) => {
    if (!isStill(entry, identity)) return false;
    check(binding.path_unlinkat(entry.directory, entry.name), 'unlink', { address: path });
    return true;
  });
}

export function isStill(entry: DirectoryEntry, { dev, ino }: Identity): boolean {
  return lookAt(entry, (found) => found.dev === dev && found.ino === ino) ?? false;
}

/** What has this name, held open, whatever it is; undefined if nothing has. */
export function lookAt<T>(
  entry: DirectoryEntry,
  use: (stats: BigIntStats, held: number) => T,
): T | undefined {
  const held = binding.path_openat(entry.directory, entry.name, O_PATH | O_NOFOLLOW, 0);
  if (held === -ENOENT) return undefined;
  check(held, 'open', { address: entry.path });
  try {
    return use(fstatOf(held), held);
  } finally {
    closeSync(held);
  }
}

// --- Plain calls ---

function openAt(directory: number, name: string, flags: number, path: string): number {
  return check(binding.path_openat(directory, name, flags, 0), 'open', { address: path });
}

/**
 * In big integers: inode numbers need not fit a double, and the other form leaves the kind of file behind in an array of
 * Node's that its module loader reads.
 */
function fstatOf(fd: number): BigIntStats {
  return fstatSync(fd, { bigint: true });
}

function kindOf({ mode }: BigIntStats): number {
  return Number(mode) & S_IFMT;
}
