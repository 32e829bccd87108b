import { join } from 'node:path';
import { preforkError } from './errors';
import { onePerProcess } from './one-per-process';

import load = require('node-gyp-build');

/** One end of a connection. A Unix socket's address is its path and its port is 0. */
export interface Endpoint {
  /** `AF_INET`, `AF_INET6` or `AF_UNIX`. */
  family: number;
  address: string;
  port: number;
}

/** Of bpf(2): the sockets by slot, and the slots in the order of their turns. */
export interface TurnDescriptors {
  readonly sockets: number;
  readonly order: number;
}

/** One result of getaddrinfo(3): `sockaddr` is for `socket_bind_inet`, the rest is what it says. */
export interface ResolvedAddress extends Endpoint {
  protocol: number;
  sockaddr: ArrayBuffer;
}

/** A pending `wait_watch`. */
export type PidWatch = { readonly prefork: 'PidWatch' };

/** A listening descriptor that the event loop watches. */
export interface NativeAcceptor {
  readonly __brand: 'NativeAcceptor';
}

/** A server that leaves connections to other processes. */
export interface NativeGiveWay {
  readonly __brand: 'NativeGiveWay';
}

/** A descriptor of which the event loop is told when it can be read or written. */
export interface NativeReadiness {
  readonly __brand: 'NativeReadiness';
}

/** The constants of <sys/socket.h>, <netinet/in.h> and <netdb.h> that lib/ uses. */
export interface SocketConstants {
  readonly AF_UNSPEC: number;
  readonly AF_INET: number;
  readonly AF_INET6: number;
  readonly AF_UNIX: number;
  readonly AI_PASSIVE: number;
  readonly AI_CANONNAME: number;
  readonly AI_NUMERICHOST: number;
  readonly AI_NUMERICSERV: number;
  readonly AI_V4MAPPED: number;
  readonly AI_ALL: number;
  readonly AI_ADDRCONFIG: number;
  readonly EAI_NONAME: number;
  readonly IPPROTO_IPV6: number;
  readonly IPV6_V6ONLY: number;
  readonly SOL_SOCKET: number;
  readonly SO_ACCEPTCONN: number;
  readonly SO_REUSEADDR: number;
  readonly SO_REUSEPORT: number;
}

/** An active handle of an event loop, as libuv knows it. */
export interface LoopHandle {
  /** libuv's name: `tcp`, `pipe`, `udp`, `fs_event`, `fs_poll`, `process`, `poll`, `async`, … */
  type: string;
  /** -1 if it has none. */
  fd: number;
  /** Of a `process`; otherwise 0. */
  pid: number;
  /** Whether it is a socket that accepts connections. */
  listening: boolean;
  /** Whether it is a pipe between Node processes, an IPC channel. */
  passesHandles: boolean;
  /** What an `fs_event` or `fs_poll` watches. */
  path: string;
  /** `127.0.0.1:80`, `[::1]:80`, a path, or empty. */
  local: string;
  /** The other end, if connected. */
  remote: string;
}

/** Every native call. A number below zero is always `-errno`; the callers in lib/ turn it into an error. */
export interface Binding {
  /**
   * Duplicates the process: 0 in the child, the child's pid in the parent. Sockets bound to `inspectorPort` (0: none)
   * are cut off in the child before its inspector thread runs. With `threadsGoOn` the child has positions of its own
   * in files that can only be read, and a thread that has made a socket binds or connects it first. With `asSibling` the child is a child of this process's own parent. With `quiet`, which
   * is for the callback of `quiet_at_rest` alone, nothing of the parent's is left on its event loop; `-EBUSY` if a thread
   * cannot be left behind at the moment, `-ENOSYS` where that cannot be known.
   */
  fork(inspectorPort: number, threadsGoOn: boolean, asSibling: boolean, quiet: boolean): number;
  /** Once, while the newest handle of the loop is a MessagePort: 0, or `-ENOSYS` where a quiet fork cannot be. */
  quiet_prepare(): number;
  /**
   * Holds libuv's thread pool up, and calls back at the bottom of the loop when it is, or when the time is over: 0, or
   * `-EBUSY` while that is pending. `alone`: no other thread has JavaScript. Main thread only.
   */
  quiet_at_rest(milliseconds: number, alone: boolean, callback: () => void): number;
  /** Lets the thread pool go on, if it is held up: before anything of the program runs, which may exit. */
  quiet_release(): void;
  /** A system call or a file of `/proc` that fork() needs and cannot have here, by name; undefined if none is missing. */
  fork_misses(): string | undefined;
  /**
   * In the child, when another thread has forked: `secrets` get other bytes before this thread goes on, and `becameChild`
   * is called before anything else comes out of this thread's loop.
   */
  on_fork_elsewhere(becameChild: () => void, secrets: Uint8Array[]): void;
  /** Requests that this thread's loop has handed to the thread pool or the kernel (uv_loop_t's active_reqs). */
  requests_in_flight(): number;
  /** How many of those are `fs.close`, and done but for the callback. Waits so long for what the thread pool has. */
  requests_finished_closes(milliseconds: number): number;
  /** The active handles of the loop of this thread, referenced or not, in the order in which they were made. */
  loop_active_handles(): LoopHandle[];
  /** In the child, if inotify lost its watches: has this thread's loop watch all its files again. */
  restart_lost_watchers(): number;
  /** Whether a handle of this thread's loop has bound a Unix socket, whose file libuv removes when it closes the handle. */
  loop_owns_socket_files(): boolean;
  /** In the child: those files are the parent's, and stay. */
  loop_disown_socket_files(): void;
  /** Gives every other thread the user, group and supplementary groups of the calling one. */
  share_credentials(): number;
  /** From now on V8's heap grows in one range of addresses; or why it cannot, in a few words. */
  heap_gather(): string | undefined;
  /** The addresses from and to which it grows, for tests; twice 0 if it is not gathered. */
  heap_range(): [start: number, end: number];
  /**
   * Moves a gathered heap onto huge pages, in about so many milliseconds, and keeps the kernel from doing so later: the
   * number of bytes.
   */
  heap_to_huge_pages(milliseconds: number): number;
  /** Whether it is known, in this process, where V8 keeps the state of `Math.random`. */
  random_is_known(): boolean;
  /**
   * Looks for it in a context made just now, given its `Math.random`, which has not been called; `older` is a built-in
   * function of any context that was there before. It is known when two such surveys agree.
   */
  random_survey(random: () => number, older: unknown): void;
  /**
   * Gives every context of this thread another state: 0: it could not; 1: contexts made later are seeded anew, too;
   * 2: they are seeded by `--random-seed`.
   */
  random_renew(): 0 | 1 | 2;
  /** Fills `bytes` with random bits of the kernel's (getrandom(2)). */
  random_fill(bytes: Uint8Array | Int32Array): void;

  /**
   * getaddrinfo(3) for SOCK_STREAM; it blocks. A number below zero is `-errno` (EAI_SYSTEM), one above
   * zero the absolute value of an `EAI_` constant.
   */
  socket_getaddrinfo(
    host: string | null,
    service: string,
    family: number,
    flags: number,
  ): ResolvedAddress[] | number;
  /** socket(2) for SOCK_STREAM, non-blocking and closed on exec: the descriptor. */
  socket_open(family: number, protocol: number): number;
  /** A socket of UDP: its descriptor. */
  socket_open_datagram(family: number): number;
  /** getsockopt(2) of an `int`. */
  socket_getsockopt(fd: number, level: number, name: number): number;
  /** setsockopt(2) of an `int`: 0. */
  socket_setsockopt(fd: number, level: number, name: number, value: number): number;
  /** From now on nobody new gets into the queue of a listening internet socket, in all processes that share it: 0. */
  socket_refuse(fd: number): number;
  /** Whether a process that shares it has called that: 0, 1 or -errno. */
  socket_is_refusing(fd: number): number;
  /**
   * Connections of a family to a TCP port that are being made: how many there are, and in `numbers` that of each, as many as
   * it has room for.
   */
  socket_handshakes(family: number, port: number, numbers: BigUint64Array): number;
  /** 1 if a connection waits to be accepted, 0 if none does. */
  socket_pending(fd: number): number;
  /** How many connections wait in the queue of a Unix socket of this network namespace, by its inode. */
  socket_unix_queue_length(inode: number): number;
  /** Makes sockets of one port take turns; the descriptors by which to say who does. */
  turns_take(fd: number, capacity: number): TurnDescriptors | number;
  turns_set_socket(sockets: number, slot: number, fd: number): number;
  turns_set_order(order: number, slots: Uint32Array): number;
  /**
   * The sockets that share the port of `fd` get their connections by the addresses of clients, until the next call: 0.
   *
   * @param choices pairs of an id and a position among these sockets
   */
  by_address_choose(fd: number, choices: Uint32Array): number;
  /** bind(2) to a `sockaddr` of `socket_getaddrinfo`, at `port` whatever its own port is: 0. */
  socket_bind_inet(fd: number, sockaddr: ArrayBuffer, port: number): number;
  /** bind(2) to a path, in the abstract namespace if it begins with NUL: 0. */
  socket_bind_unix(fd: number, path: string): number;
  /** listen(2): 0. */
  socket_listen(fd: number, backlog: number): number;
  /** getsockname(2). */
  socket_getsockname(fd: number): Endpoint | number;
  /** close(2): 0. */
  socket_close(fd: number): number;
  /**
   * Watches a listening descriptor and calls back with each connection's descriptor and other end, up to
   * 128 in one turn of the loop, or with `-errno`. What the callback throws is an uncaught exception.
   * Keeps the loop alive until `accept_stop`, which must come before the descriptor is closed.
   */
  accept_start(
    fd: number,
    callback: (connection: number, peer: Endpoint | undefined) => void,
  ): NativeAcceptor | number;
  /** Ends the watching; `acceptor` must not be used again. */
  accept_stop(acceptor: NativeAcceptor): void;
  /** Whether a watched descriptor alone keeps the loop alive (uv_ref, uv_unref). */
  accept_keep_alive(acceptor: NativeAcceptor, alive: boolean): void;
  /**
   * From now on the TCP server of this loop that accepts by `fd` leaves a connection to other processes, as long as they
   * have fewer by their lines, for moments of so many milliseconds (native/loop/give_way.h). Until `give_way_stop`, which must
   * come before the server's handle is closed. `-ENOTSUP`: the kernel does not say how many connections wait there.
   *
   * @param marks 64 bytes for each line
   * @param count of the lines that are in use
   * @param line this process's own
   * @param youth milliseconds for which it also waits for those that boot
   */
  give_way_start(
    fd: number,
    lines: Float64Array,
    marks: Uint32Array,
    count: Int32Array,
    line: number,
    moment: number,
    youth: number,
  ): NativeGiveWay | number;
  /** `giving` must not be used again. */
  give_way_stop(giving: NativeGiveWay): void;
  /** In a child of this process: it goes on with the server, and has no line. */
  give_way_never(giving: NativeGiveWay): void;
  readonly socket_constants: SocketConstants;
  /** The version of the package that the addon belongs to. */
  readonly version: string;
  /** The C library that the addon was compiled for. */
  readonly libc: 'glibc' | 'musl';

  /**
   * Writes as many of the bytes as there is room for, without waiting for a reader: how many; `-EAGAIN` if there is no
   * room. The flags of the open file, which others share, stay as they are.
   */
  output_write_now(fd: number, bytes: Uint8Array): number;
  /** Waits for room, at most so many milliseconds. */
  output_await_room(fd: number, milliseconds: number): void;
  /**
   * From now on each line that Node writes to standard output or error, in any thread, begins with `prefix`; one that begins as
   * an object of JSON has `field` behind its brace instead, unless that is empty. `terminals`: other descriptors of the two, or
   * -1. `-ENOSYS`: this Node does not let itself be changed so.
   */
  output_label_lines(prefix: string, field: string, terminals: Int32Array): number;
  /** Sends a datagram to a Unix socket, without waiting: 0. A path that begins with NUL is abstract. */
  output_send_datagram(path: string, text: string): number;
  /** Whether somebody has such a socket open: 1 or 0. Nothing is sent. */
  output_is_heard(path: string): number;

  /** openat(2), closed on exec: the descriptor. */
  path_openat(directory: number, name: string, flags: number, mode: number): number;
  /** unlinkat(2): 0. */
  path_unlinkat(directory: number, name: string): number;
  /**
   * Locks a whole file for writing, as long as this open file exists in any process: 0. Without waiting: 1 if another has
   * such a lock, 2 if others have locks for reading only, as anybody may who can read the file.
   */
  path_lock(fd: number): number;
  /** Whether somebody listens on the Unix socket at this path: 1 or 0. */
  path_is_served(path: string): number;

  /** `_exit(2)` with the low eight bits of `status`. */
  process_exit(status: number): never;
  process_getpid(): number;
  process_getppid(): number;
  /** Seconds that were left of the previous alarm. */
  process_alarm(seconds: number): number;
  /** Fills `ends` with the reading and the writing end, close-on-exec; shared with forked children. */
  process_pipe(ends: Int32Array): number;
  /** Whether `fd` is an end of a pipe that `process_pipe` made, here or in the parent. */
  process_is_shared_pipe(fd: number): boolean;
  /** Fills `ends` with two connected Unix stream sockets, close-on-exec. */
  process_socketpair(ends: Int32Array): number;
  process_dup2(from: number, to: number, inheritable: boolean): number;
  /** Gives free memory of malloc back to the system (malloc_trim(3), where there is one). */
  process_trim_memory(): void;
  /**
   * Does that, and then, once in a process, takes for good what malloc has free between pieces in use: new memory comes from
   * the end of the heap, in this process and its children (native/posix/free_pieces.h). Main thread only.
   */
  process_take_free_memory(): void;
  process_setsid(): number;
  process_setpgid(pid: number, group: number): number;
  process_getpgid(pid: number): number;
  process_getsid(pid: number): number;
  process_kill(pid: number, signal: number): number;
  process_killpg(group: number, signal: number): number;
  /** 0; `niceness[0]` is the new one of this thread. */
  process_nice(increment: number, niceness: Int32Array): number;
  /** flock(2), never blocking: `-EAGAIN` if somebody else has the lock. */
  process_flock(fd: number, operation: number): number;
  /** Bit n of byte n / 8 is processor n; of this thread if `pid` is 0. */
  process_setaffinity(pid: number, bits: Uint8Array): number;
  /** The number of bytes filled; `-EINVAL` if there is too little room. */
  process_getaffinity(pid: number, bits: Uint8Array): number;
  process_parent_death_signal(signal: number): number;
  /** Of the leader of a process group: when the thread that made it ends, the group is killed, itself first of all. */
  process_end_with_parent(): number;
  /** From now on nothing comes of a signal, until somebody listens for it: 0. */
  process_disarm_signal(signal: number): number;
  /** Whether programs that this thread starts from now on leave this process's group before a signal for that can end them: 0. */
  process_spawn_apart(apart: boolean): number;
  /** Keeps programs that are started from inheriting a descriptor: 0. */
  process_close_on_exec(fd: number): number;
  /** execve(2), with this process's own environment for null: does not return, unless with `-errno`. */
  process_execve(path: string, args: string[], environment: string[] | null): number;
  /**
   * The same, keeping `descriptors` open and `signals` blocked in the new program, so that none is lost which comes
   * meanwhile. Main thread only. On an error all is as before, and `descriptors` are closed on exec.
   */
  process_hand_over(
    path: string,
    args: string[],
    environment: string[],
    signals: Int32Array,
    descriptors: Int32Array,
  ): number;

  /** What the kernel does about a signal: 0: the default, 1: nothing, 2: calls Node, 3: calls somebody else's code. */
  signal_get(signal: number): number;
  /** Makes the kernel ignore a signal or take the default action, whatever handler it had. */
  signal_set(signal: number, ignore: boolean): number;

  /** The number of bytes sent; never blocks. */
  fds_send(socket: number, bytes: Uint8Array, fds: Int32Array, flags: number): number;
  /** The number of bytes received; `counts` is filled with the number of descriptors and recvmsg(2)'s flags. Never blocks. */
  fds_receive(socket: number, bytes: Uint8Array, fds: Int32Array, flags: number, counts: Int32Array): number;
  /** 1 if reads of this descriptor block, 0 if not. */
  fds_blocking(fd: number): number;

  /** Fills `ends` with the two ends of a channel, non-blocking and close-on-exec (native/posix/channel.h): 0. */
  channel_open(ends: Int32Array): number;
  /** One message, with copies of the descriptors `passed`: 0; `-EAGAIN`: the reader is too far behind. */
  channel_send(fd: number, message: Uint8Array, passed: Int32Array): number;
  /**
   * The size of the next message, which is in `message`; 0: the peer has gone; `-EAGAIN`: there is none; `-EMSGSIZE`: it was
   * longer, and is lost. `passed[0]` becomes the number of descriptors that came, and they stand behind it; an array of
   * one element takes none.
   */
  channel_receive(fd: number, message: Uint8Array, passed: Int32Array): number;
  /** Blocks until there is something to receive: 1; 0: the milliseconds (-1: no limit) are over. */
  channel_await(fd: number, milliseconds: number): number;

  /** From now on these signals are noted for `supervise_wait`, whatever was done about them before: 0. */
  supervise_begin(signals: Int32Array, stopsWithJob: boolean): number;
  /**
   * Sleeps, without a turn of the loop, until a signal comes, a child ends or one of the channels can be read, at most so
   * many milliseconds (-1: no limit): bit n is set if signal n has come. May wake early.
   */
  supervise_wait(milliseconds: number, channels: Int32Array): number;
  /** The pid of any child that has ended, of whatever origin (`status[0]` is filled); 0: none has; `-ECHILD`: there is none. */
  supervise_reap(status: Int32Array): number;
  /** Whether this process has such a child, alive or not reaped yet. */
  supervise_has_child(pid: number): boolean;
  /** In a child: undoes `supervise_begin`. Bit n is set if signal n has come to the child before that. */
  supervise_end(): number;
  /** Memory, zero at first, that all processes forked after the first call share; see lib/shared/memory.ts. */
  shared_memory(): ArrayBuffer | number;
  /** Has that memory be this file's, which is made long enough: 0, or `-EEXIST` if it has been made already. */
  shared_memory_file(fd: number): number;
  /** Whether all of these are blocked in this thread. */
  signals_are_blocked(signals: Int32Array): boolean;
  /** In a process that was handed over: unblocks these, which are delivered now if they have come meanwhile. */
  signals_release_at_start(signals: Int32Array): number;
  /**
   * An empty file without a name in any directory (memfd_create(2)): a descriptor that is closed on exec. Nobody can seal it, so
   * that all who have it go on writing, unless `isSealable`.
   */
  memory_file(name: string, isSealable: boolean): number;
  /**
   * A part of such a file, which begins with a page, as memory of this process's own: nothing is copied before it is written
   * to. From now on nobody can change the file. `-EINVAL` if it is no such file, or too short.
   */
  memory_file_map(fd: number, offset: number, size: number): ArrayBuffer | number;
  /**
   * From now on this process may grow by so many bytes. When it has grown by more, one byte is written to `note`, and the
   * process and its process group are killed (native/posix/memory_limit.h): 0.
   */
  memory_limit(bytes: number, group: number, note: number): number;
  /** Gives the memory of the first bytes of such a file back; its length stays: 0. */
  memory_file_forget(fd: number, bytes: number): number;
  /** Memory, zero at first, that processes forked later share. It lives until none of them has a use for it. */
  shared_block(bytes: number): ArrayBuffer | number;

  /**
   * Calls `ready` in the loop as long as the descriptor can be read, or written, and keeps the loop alive. The loop watches a
   * copy of it, so that in a quiet child the descriptor itself is as it was.
   */
  readiness_start(fd: number, forWriting: boolean, ready: () => void): NativeReadiness | number;
  /** Once for each; from any process that has forked with it. */
  readiness_stop(readiness: NativeReadiness): void;
  readiness_keep_alive(readiness: NativeReadiness, alive: boolean): void;
  /** A set of descriptors, itself one, which can be read when one of them can. */
  poll_set_open(): number;
  poll_set_add(set: number, fd: number): number;
  /** Before the descriptor is closed. */
  poll_set_remove(set: number, fd: number): number;
  /** Fills `fds` with those that can be read, without waiting: how many. */
  poll_set_readable(set: number, fds: Int32Array): number;
  /** A descriptor that can be read when the process has ended (pidfd_open(2)), closed on exec. */
  process_descriptor(pid: number): number;

  /**
   * Keeps these signals from all listeners of this process, also from those that are attached later; `arrived` is called
   * in the loop after one has come, and what it throws is an uncaught exception. Keeps nothing alive. Main thread only,
   * once: 0, or `-EEXIST`.
   */
  signals_hold(signals: Int32Array, arrived: () => void): number;
  /** Bit n is set if signal n has come since the last call. */
  signals_take(): number;
  /** It reaches its listeners again, or does what it does by default. */
  signals_release(signal: number): void;

  /**
   * Has a thread that lives just as long write how many bytes this process has for itself into the number that begins at this
   * 32-bit word of the shared memory: 0, or `-EAGAIN` if there is no room for a thread, or the last one is not done.
   */
  private_memory_measure(word: number): number;

  /**
   * Calls `report` each time another process has called `stack_request` with the same 32-bit word of the shared memory: in the
   * middle of whatever JavaScript this thread is running then, or, with `isAtRest`, from the event loop if it runs none. `asked`:
   * the bits that were given since. 0, or `-ENOSYS` where V8 cannot be asked. Main thread only, once.
   */
  stack_report_on_request(word: number, report: (asked: number, isAtRest: boolean) => void): number;
  stack_request(word: number, bits: number): void;

  /**
   * Starts listening for ended children in this thread's loop. Waits nest.
   * Between `wait_begin` and `wait_end` the signals that reach this loop have to be taken with `wait_next_signal`.
   */
  wait_begin(): number;
  /** Ends the innermost wait; with the outermost, signals meant for others go back to libuv. */
  wait_end(): void;
  /** Takes the next signal for which JavaScript has a listener; 0 if there is none. */
  wait_next_signal(): number;
  /**
   * Sleeps until a signal arrives, a child changes, or `fd` (-1: none) can be read or written, at most so many
   * milliseconds (-1: no limit). May wake early.
   */
  wait_sleep(milliseconds: number, fd: number, forWriting: boolean): void;
  /**
   * `wait4(2)` with WNOHANG: the pid (`status[0]` and `usage` are filled), or 0 if none is ready.
   * With pid -1, children of `node:child_process` are left alone.
   */
  wait_now(pid: number, options: number, status: Int32Array, usage: Float64Array | null): number;
  /**
   * `waitid(2)` with WNOHANG: the pid (`child` is filled: pid, uid, signo, status, code), or 0. With P_ALL, children of
   * `node:child_process` are left alone.
   */
  wait_id_now(kind: number, id: number, options: number, child: Int32Array): number;
  /** Tells `wait_now(-1, …)`, in all threads, of a child made by fork(), which knows of none itself. */
  wait_note_child(pid: number): number;
  /** Calls `ended` in the loop when the child has ended, and keeps the loop alive; possibly again, until `wait_unwatch`. */
  wait_watch(pid: number, ended: () => void): PidWatch | number;
  /** Once for each watch. */
  wait_unwatch(watch: PidWatch): void;
  /** The environment's own `process`, where a sandbox such as Jest's shows a copy. */
  wait_real_process(): NodeJS.Process;
}

/** Why there is no addon here, in a few words; undefined where it is to be loaded. */
function foreignRuntime(): string | undefined {
  const { bun, deno } = process.versions;
  // They have Node-API and not Node's insides: to load it would end Bun, and fork() would end either.
  if (bun !== undefined) return `this is Bun ${bun}`;
  if (deno !== undefined) return `this is Deno ${deno}`;
  const isKnown = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch);
  return isKnown ? undefined : `this is ${process.platform} on ${process.arch}`;
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ERR_DLOPEN_DISABLED') return 'this Node may load no addons: start it with --allow-addons';
  return `it could not be loaded (npm rebuild prefork --build-from-source compiles it): ${message.split('\n')[0]}`;
}

/** Where there is no addon, what needs no fork works all the same, and every other native says what is missing. */
function withoutAddon(reason: string, cause?: unknown): Binding {
  const { STAND_IN } = require('./without-addon') as typeof import('./without-addon');
  const standIn: Partial<Binding> = STAND_IN;
  const explain = () => {
    throw preforkError(
      'ERR_PREFORK_UNSUPPORTED',
      `prefork needs Linux on x64 or arm64, Node and its native addon for this, but ${reason}`,
      { cause },
    );
  };
  return new Proxy(Object.create(null), { get: (_, name) => Reflect.get(standIn, name) ?? explain });
}

const PACKAGE = join(__dirname, '..', '..');

function loadAddon(): { natives: Binding; missing?: string } {
  const foreign = foreignRuntime();
  if (foreign !== undefined) return { natives: withoutAddon(foreign), missing: foreign };
  try {
    return { natives: load(PACKAGE) as Binding };
  } catch (error) {
    const reason = reasonOf(error);
    return { natives: withoutAddon(reason, error), missing: reason };
  }
}

/**
 * Copies of one version have the natives of the first of them (native/binding/copies.h). Those of another version have
 * their own.
 */
function warnOfAnotherVersion({ version }: Binding): void {
  const first = onePerProcess('natives', () => ({ version, from: __dirname }));
  if (first.version === version) return;
  process.emitWarning(
    `prefork ${first.version} is loaded from ${first.from}, and ${version} from ${__dirname}: ` +
      'fork() of one knows neither pipes nor children nor worker threads that only the other has seen',
    'PreforkWarning',
  );
}

const { natives, missing } = loadAddon();
if (missing === undefined) warnOfAnotherVersion(natives);
export const binding = natives;
/** False: `binding` is what stands in for it. */
export const hasAddon = missing === undefined;
/** Why there is none, in a few words. */
export const whyNoAddon = missing;

/**
 * The addon, as it is on disk by now.
 *
 * @throws Error: it is there no more
 */
export function addonFile(): string {
  return load.path(PACKAGE);
}
