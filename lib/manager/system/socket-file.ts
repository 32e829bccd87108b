/** The file of a Unix socket: made, given to its owner, and removed, in a directory that others may share. */
import { chmodSync, chownSync, fchmodSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { binding } from '../../base/binding';
import { check, preforkError, systemError } from '../../base/errors';
import { ListeningSocket } from '../../sockets/listening-socket';
import {
  absolute,
  type DirectoryEntry,
  type Identity,
  inDirectoryOf,
  isStill,
  lookAt,
  removeIfStill,
  throughDescriptor,
  unsafe,
} from './paths';

const { AF_UNIX } = binding.socket_constants;
const { EADDRINUSE } = constants.errno;

/** Milliseconds: longer than anybody takes from bind(2) to listen(2), between which a socket looks like one left behind. */
const FROM_BIND_TO_LISTEN = 50;

/** Which users may connect: that takes permission to write to the file (unix(7)). */
export interface Access {
  mode: number;
  /** null: as it is made. */
  uid: number | null;
  gid: number | null;
}

/** What tells the file from others, and where it is; those in the abstract namespace have none. */
export type SocketFile = Identity & { path: string };

/** A Unix socket that knows its file from others of the same name. */
export class UnixListeningSocket extends ListeningSocket {
  readonly #path: string;
  readonly file: SocketFile | null;

  /**
   * Binds and listens. A socket that an earlier process has left behind goes; one that somebody listens on stays, by
   * whatever path.
   *
   * @param path of UTF-8, at most 107 bytes; a first NUL is for the abstract namespace, which has neither files nor rights
   * @throws Error `ERR_PREFORK_UNSAFE_PATH`, `ERR_PREFORK_INVALID_ARG_VALUE`: the file is no socket; SystemError listen
   *   `EADDRINUSE`: it is served; `EACCES`, `ENOENT`, `ENAMETOOLONG` …
   */
  static listen(path: string, access: Access, backlog: number): UnixListeningSocket {
    const fd = check(binding.socket_open(AF_UNIX, 0), 'socket');
    const where = { address: path };
    let file: SocketFile | null = null;
    try {
      if (path.startsWith('\0')) check(binding.socket_bind_unix(fd, path), 'listen', where);
      else file = { ...bindFile(fd, path, access), path: absolute(path) };
      check(binding.socket_listen(fd, backlog), 'listen', where);
    } catch (error) {
      binding.socket_close(fd);
      throw error;
    }
    return new UnixListeningSocket(fd, path, file);
  }

  /** One that listens already, with its file. */
  constructor(fd: number, path: string, file: SocketFile | null) {
    super(fd);
    this.#path = path;
    this.file = file;
  }

  /** As it was asked for; the kernel may have been told another name of it. */
  override address(): string {
    return this.#path;
  }

  /**
   * Removes the file, unless another has taken its name. To be called before the socket is closed: until then no new file
   * can have the same inode.
   *
   * @throws SystemError unlink `EACCES`, `EROFS` …, open `ENOENT`: its directory has gone
   */
  removeFile(): void {
    if (this.file !== null) removeIfStill(this.file.path, this.file);
  }
}

function bindFile(fd: number, path: string, access: Access): Identity {
  return inDirectoryOf(path, (entry) => {
    removeAbandoned(entry);
    // bind(2) makes the file with the mode of the socket, less the umask: nobody has more rights at any moment.
    fchmodSync(fd, access.mode);
    const name = entry.isUnsettled ? throughDescriptor(entry) : path;
    check(binding.socket_bind_unix(fd, name), 'listen', { address: path });
    const identity = lookAt(entry, (stats, held) => {
      // In a directory of somebody else's that somebody may have put one of root's own sockets there.
      const isOurs = stats.isSocket() && stats.uid === 0n && stats.nlink === 1n;
      if (entry.isShared && !isOurs) throw unsafe(path, 'somebody has replaced the socket');
      grant(held, access);
      return { dev: stats.dev, ino: stats.ino };
    });
    if (identity === undefined) throw unsafe(path, 'somebody has removed the socket');
    return identity;
  });
}

/** By descriptor: neither follows a link. The mode last, as a new owner may take bits away (chown(2)). */
function grant(held: number, { mode, uid, gid }: Access): void {
  const file = `/proc/self/fd/${held}`;
  if (uid !== null || gid !== null) chownSync(file, uid ?? -1, gid ?? -1);
  chmodSync(file, mode);
}

/** Looked at twice: where nobody listens somebody may be about to. */
function removeAbandoned(entry: DirectoryEntry): void {
  lookAt(entry, (stats) => {
    if (!leadsToSocket(entry)) {
      const message = `File ${entry.path} exists and is not a socket`;
      throw preforkError('ERR_PREFORK_INVALID_ARG_VALUE', message);
    }
    refuseServed(entry);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FROM_BIND_TO_LISTEN);
    refuseServed(entry);
    if (!isStill(entry, stats)) throw inUse(entry);
    check(binding.path_unlinkat(entry.directory, entry.name), 'unlink', { address: entry.path });
  });
}

/** Itself, or by links. */
function leadsToSocket(entry: DirectoryEntry): boolean {
  const found = statSync(throughDescriptor(entry), { bigint: true, throwIfNoEntry: false });
  return found?.isSocket() ?? false;
}

function refuseServed(entry: DirectoryEntry): void {
  const answer = check(binding.path_is_served(throughDescriptor(entry)), 'connect', { address: entry.path });
  if (answer === 1) throw inUse(entry);
}

function inUse({ path }: DirectoryEntry): Error {
  return systemError(-EADDRINUSE, 'listen', { address: path });
}
