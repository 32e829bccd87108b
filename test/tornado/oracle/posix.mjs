// prefork/os, beside Python's os, signal, time, fcntl and socket. argv: one case.
import {
  chmodSync,
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';
import { constants } from 'node:os';
import { text } from 'node:stream/consumers';
import { Worker } from 'node:worker_threads';
import { bindSockets } from 'prefork/netutil';
import * as os from 'prefork/os';
import { say } from './configure.mjs';

const require = createRequire(import.meta.url);
const { SIGALRM, SIGKILL, SIGTERM, SIGUSR1, SIGUSR2 } = constants.signals;
const SH = '/bin/sh';

const python = (value) => (value === true ? 'True' : value === false ? 'False' : String(value));

/** Python's way of writing what a call answers. */
const answer = (value) => (Array.isArray(value) ? `(${value.map(python).join(', ')})` : python(value));

function attempt(call, ...parameters) {
  try {
    const result = call(...parameters);
    say(result === undefined ? 'no error' : `no error ${answer(result)}`);
  } catch (error) {
    say(error.syscall ? error.code : /^ERR_PREFORK_(INVALID|OUT)/.test(error.code) ? 'refused' : error.code);
  }
}

const shell = (script, ...rest) => os.execv(SH, ['sh', '-c', script, ...rest]);

function inChild(call) {
  const pid = os.fork();
  if (pid !== 0) return pid;
  try {
    call();
  } finally {
    os._exit(99);
  }
}

const statusOf = (pid) => os.waitstatusToExitcode(os.waitpid(pid, 0)[1]);

function make(name, contents, mode) {
  writeFileSync(name, contents);
  chmodSync(name, mode);
}

function blocks() {
  for (;;) os.pause();
}

const read = (fd, size = 100) => {
  const buffer = Buffer.alloc(size);
  return buffer.toString('utf8', 0, readSync(fd, buffer));
};

const isAsleep = (pid) => readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1).startsWith('S');

/** A child that sends signals to this process, once somebody has written to the pipe, and then sleeps. */
function signaller(...signals) {
  const [reading, writing] = os.pipe();
  const parent = process.pid;
  const pid = inChild(() => {
    read(reading, 1);
    while (!isAsleep(parent));
    for (const signal of signals) os.kill(parent, signal);
    os._exit(0);
  });
  return [pid, () => writeSync(writing, 'x')];
}

function note(signal) {
  say(`handler ${signal}`);
}

function fail() {
  throw Object.assign(new Error('raised'), { code: 'EIO', syscall: 'test' });
}

const now = () => performance.now() / 1000;

// --- exec ---

function execvArguments() {
  process.env.GREETING = 'hello';
  shell('echo "$0 $1 $GREETING"', 'a b', 'c');
}

function execvpMissing() {
  attempt(os.execvp, 'no-such-program', ['no-such-program']);
  os._exit(127);
}

function execvpForbidden() {
  make('program', '#!/bin/sh\n', 0o644);
  attempt(os.execvpe, 'program', ['program'], { PATH: '/nonexistent:.:/bin' });
}

function execvpEmptyItem() {
  make('program', '#!/bin/sh\necho here $1\n', 0o755);
  os.execvpe('program', ['program', 'x'], { PATH: '/nonexistent::' });
}

function execvpSlash() {
  make('program', '#!/bin/sh\necho here\n', 0o755);
  os.execvp('./program', ['program']);
}

function execvpNotADirectory() {
  make('file', '', 0o644);
  attempt(os.execvpe, 'sh', ['sh'], { PATH: 'file' });
}

const execvError =
  (path, ...parameters) =>
  () => {
    make('forbidden', '#!/bin/sh\n', 0o644);
    make('text', 'what is this?\n', 0o755);
    make('no-interpreter', '#!/nonexistent\n', 0o755);
    symlinkSync('loop', 'loop');
    attempt(os.execv, path, parameters);
    say('still here');
  };

function execSamePid() {
  say(`pid=${process.pid}`);
  shell('[ $$ = "$0" ] && echo same', String(process.pid));
}

async function execThreads() {
  const workers = Array.from({ length: 4 }, () => new Worker('setInterval(() => {}, 1e9)', { eval: true }));
  await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('online', resolve))));
  shell('[ $$ = "$0" ] && echo same; ls /proc/self/task | wc -l', String(process.pid));
}

function execInThread() {
  // From here: the program runs in another directory.
  const load = `require(${JSON.stringify(require.resolve('prefork/os'))})`;
  const script = `['sh', '-c', '[ $$ = "$0" ] && echo same', String(process.pid)]`;
  new Worker(`${load}.execv('/bin/sh', ${script})`, { eval: true });
}

const SIGNAL_STATE = "grep -E 'Sig(Ign|Blk)' /proc/self/status";

function execIgnored() {
  os.signal(SIGTERM, os.SIG_IGN);
  os.signal(SIGUSR1, os.SIG_IGN);
  shell(`${SIGNAL_STATE}; kill -TERM $$; echo alive`);
}

function execSigpipe() {
  os.signal('SIGPIPE', os.SIG_DFL);
  shell(SIGNAL_STATE);
}

function execHandler() {
  os.signal(SIGTERM, note);
  shell('kill -TERM $$; echo alive');
}

const FDS = 'for fd in "$@"; do [ -e /proc/$$/fd/$fd ] && echo open || echo closed; done';

function execFds() {
  const opened = [...os.pipe(), openSync('/dev/null'), ...os.socketpair()];
  shell(FDS, 'sh', ...[0, 1, 2, ...opened].map(String));
}

function execInheritable() {
  const [reading, writing] = os.pipe();
  os.dup2(reading, 40);
  os.dup2(writing, 41, false);
  writeSync(writing, 'through the pipe\n');
  shell(`head -n1 < /proc/self/fd/40; ${FDS}`, 'sh', ...[40, 41, reading, writing].map(String));
}

function execStdin() {
  process.stdin.pause(); // opened, which makes the pipe non-blocking
  say('ready');
  os.execvp('cat', ['cat']);
}

function execUmask() {
  process.umask(0o27);
  process.chdir('/usr');
  shell('umask; pwd');
}

function execAlarm() {
  os.alarm(1);
  os.execvp('sleep', ['sleep', '20']);
}

function execNiceness() {
  os.nice(3);
  os.execvp('nice', ['nice']);
}

function execAffinity() {
  os.schedSetaffinity(0, [0]);
  shell('grep Cpus_allowed_list /proc/self/status');
}

function execInChild() {
  for (const file of ['true', 'false', 'no-such-program']) {
    const pid = inChild(() => {
      try {
        os.execvp(file, [file]);
      } catch {
        os._exit(127);
      }
    });
    say(statusOf(pid));
  }
}

// --- sleep and pause ---

function sleeps() {
  const start = now();
  os.sleep(0.05);
  say(python(now() - start >= 0.05));
}

function sleepHandler() {
  let heard = false;
  os.signal(SIGUSR1, (signal) => {
    note(signal);
    heard = true;
  });
  const [pid, go] = signaller(SIGUSR1);
  let start = 0;
  go();
  // On a busy machine the signal may come late.
  while (!heard) {
    start = now();
    os.sleep(0.5);
  }
  say(`slept ${python(now() - start >= 0.5)}`);
  say(statusOf(pid));
}

function sleepChild() {
  const pid = inChild(() => os._exit(3));
  const start = now();
  os.sleep(0.3);
  say(`slept ${python(now() - start >= 0.3)}`);
  say(statusOf(pid));
}

function sleepRaises() {
  os.signal(SIGUSR1, fail);
  const [pid, go] = signaller(SIGUSR1);
  go();
  attempt(os.sleep, 1000);
  say(statusOf(pid));
}

function sleepRefused() {
  for (const seconds of [-1, Number.NaN, '1', null]) attempt(os.sleep, seconds);
  attempt(os.sleep, 0);
}

function pauses() {
  os.signal(SIGUSR1, note);
  const [pid, go] = signaller(SIGUSR1);
  go();
  os.pause();
  say('paused');
  say(statusOf(pid));
}

function pauseRaises() {
  os.signal(SIGUSR1, fail);
  const [pid, go] = signaller(SIGUSR1);
  go();
  attempt(os.pause);
  say(statusOf(pid));
}

function pauseIgnored() {
  os.signal(SIGUSR1, os.SIG_IGN);
  os.signal(SIGUSR2, note);
  const [pid, go] = signaller(SIGUSR1, constants.signals.SIGWINCH, SIGUSR2);
  go();
  os.pause();
  say(statusOf(pid));
}

function pauseDefault() {
  const [, go] = signaller(SIGUSR2);
  go();
  os.pause();
}

// --- kill, killpg and so on ---

function killSelf() {
  os.signal(SIGUSR2, note);
  os.kill(os.getpid(), SIGUSR2);
  say('after');
}

function killRaises() {
  os.signal(SIGUSR2, fail);
  attempt(os.kill, os.getpid(), SIGUSR2);
}

function killErrors() {
  attempt(os.kill, os.getpid(), 0);
  attempt(os.kill, 2 ** 22 + 1, 0);
  attempt(os.kill, 2 ** 22 + 1, SIGTERM);
  attempt(os.kill, '1', 0);
  attempt(os.kill, 2 ** 40, 0);
}

function killChild() {
  for (const signal of [SIGTERM, SIGKILL, SIGUSR2]) {
    const pid = inChild(blocks);
    os.kill(pid, signal);
    say(statusOf(pid));
  }
}

function killGroup() {
  os.signal(SIGUSR2, note);
  os.kill(0, SIGUSR2);
  os.killpg(0, SIGUSR2);
  os.killpg(os.getpgid(0), SIGUSR2);
  say('after');
}

function killpgChildren() {
  const leader = inChild(blocks);
  os.setpgid(leader, leader);
  const second = inChild(blocks);
  os.setpgid(second, leader);
  os.killpg(leader, SIGTERM);
  say(`${statusOf(leader)} ${statusOf(second)}`);
  attempt(os.killpg, leader, 0);
}

function groups() {
  say(python(os.getpgid(0) === os.getpgid(os.getpid())));
  say(python(os.getsid(0) === os.getsid(os.getpid())));
  attempt(os.getpgid, 2 ** 22 + 1);
  attempt(os.getsid, 2 ** 22 + 1);
  const pid = inChild(() => {
    os.setsid();
    const ids = new Set([os.getsid(0), os.getpgid(0), os.getpid()]);
    os._exit(ids.size === 1 ? 0 : 1);
  });
  say(statusOf(pid));
}

function niceness() {
  for (const increment of [0, 2, 3, 100]) say(os.nice(increment));
  attempt(os.nice, '1');
}

function nicenessForbidden() {
  process.setuid(65534);
  attempt(os.nice, -1);
  say(os.nice(0));
}

function nicenessInherited() {
  os.nice(4);
  say(statusOf(inChild(() => os._exit(os.nice(0)))));
  say(os.nice(-1));
}

const sorted = (set) => [...set].sort((one, other) => one - other);

function affinity() {
  const everything = os.schedGetaffinity(0);
  say(sorted(everything).join(' '));
  os.schedSetaffinity(0, [0, 0]);
  say(`[${sorted(os.schedGetaffinity(0)).join(', ')}]`);
  say(statusOf(inChild(() => os._exit(os.schedGetaffinity(0).size))));
  os.schedSetaffinity(os.getpid(), everything);
  say(python(String(sorted(os.schedGetaffinity(0))) === String(sorted(everything))));
}

function affinityErrors() {
  attempt(os.schedSetaffinity, 0, []);
  attempt(os.schedSetaffinity, 0, [1023]);
  attempt(os.schedSetaffinity, 0, [-1]);
  attempt(os.schedSetaffinity, 0, 1);
  attempt(os.schedSetaffinity, 2 ** 22 + 1, [0]);
  attempt(os.schedGetaffinity, 2 ** 22 + 1);
}

// --- flock ---

const opened = () => openSync('lock', 'a+', 0o600);

function flockConflict() {
  const [first, second, third] = [opened(), opened(), opened()];
  os.flock(first, os.LOCK_EX);
  attempt(os.flock, second, os.LOCK_EX | os.LOCK_NB);
  attempt(os.flock, second, os.LOCK_SH | os.LOCK_NB);
  os.flock(first, os.LOCK_UN);
  attempt(os.flock, second, os.LOCK_SH | os.LOCK_NB);
  attempt(os.flock, third, os.LOCK_SH | os.LOCK_NB);
  attempt(os.flock, first, os.LOCK_EX | os.LOCK_NB);
}

function flockErrors() {
  attempt(os.flock, 999, os.LOCK_EX);
  attempt(os.flock, opened(), 0);
  attempt(os.flock, opened(), 64);
  attempt(os.flock, opened(), '1');
}

function flockWaits() {
  const fd = opened();
  os.flock(fd, os.LOCK_EX);
  const [reading, writing] = os.pipe();
  const pid = inChild(() => {
    const own = opened();
    writeSync(writing, 'x');
    os.flock(own, os.LOCK_EX);
    say('child has it');
    os._exit(0);
  });
  read(reading, 1);
  os.sleep(0.1);
  say('parent gives it up');
  os.flock(fd, os.LOCK_UN);
  say(statusOf(pid));
}

function flockHandlers() {
  const [holder, fd] = [opened(), opened()];
  os.flock(holder, os.LOCK_EX);
  os.signal(SIGALRM, (signal) => {
    note(signal);
    os.flock(holder, os.LOCK_UN);
  });
  os.alarm(1);
  os.flock(fd, os.LOCK_EX);
  say('has it');
}

function flockRaises() {
  const [holder, fd] = [opened(), opened()];
  os.flock(holder, os.LOCK_EX);
  os.signal(SIGALRM, fail);
  os.alarm(1);
  attempt(os.flock, fd, os.LOCK_EX);
}

function flockSharedWithChild() {
  const fd = opened();
  os.flock(fd, os.LOCK_EX);
  const pid = inChild(() => {
    os.flock(fd, os.LOCK_EX | os.LOCK_NB);
    os.flock(fd, os.LOCK_UN);
    os._exit(0);
  });
  say(statusOf(pid));
  attempt(os.flock, opened(), os.LOCK_EX | os.LOCK_NB);
}

// --- waitid, wait3, wait4 ---

function tell(result, pid) {
  if (result === null) return say('None');
  const { siPid, siUid, siSigno, siStatus, siCode } = result;
  say(`${python(siPid === pid)} uid ${siUid} signo ${siSigno} status ${siStatus} code ${siCode}`);
}

function waitidExited() {
  const pid = inChild(() => os._exit(7));
  tell(os.waitid(os.P_PID, pid, os.WEXITED), pid);
  attempt(os.waitid, os.P_PID, pid, os.WEXITED);
}

function waitidKilled() {
  const pid = inChild(blocks);
  os.kill(pid, SIGKILL);
  tell(os.waitid(os.P_ALL, 0, os.WEXITED), pid);
}

function waitidStopped() {
  const pid = inChild(blocks);
  os.kill(pid, 'SIGSTOP');
  tell(os.waitid(os.P_PID, pid, os.WSTOPPED), pid);
  os.kill(pid, 'SIGCONT');
  tell(os.waitid(os.P_PID, pid, os.WCONTINUED), pid);
  os.kill(pid, SIGTERM);
  tell(os.waitid(os.P_PID, pid, os.WEXITED | os.WSTOPPED), pid);
}

function waitidNohang() {
  const pid = inChild(blocks);
  tell(os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG), pid);
  tell(os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG), pid);
  os.kill(pid, SIGKILL);
  say(statusOf(pid));
}

function waitidNowait() {
  const pid = inChild(() => os._exit(5));
  tell(os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT), pid);
  tell(os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT), pid);
  say(os.waitstatusToExitcode(os.wait()[1]));
}

function waitidGroup() {
  const pid = inChild(blocks);
  os.setpgid(pid, pid);
  attempt(os.waitid, os.P_PGID, os.getpgid(0), os.WEXITED | os.WNOHANG);
  os.kill(pid, SIGTERM);
  tell(os.waitid(os.P_PGID, pid, os.WEXITED), pid);
}

function waitidErrors() {
  attempt(os.waitid, os.P_ALL, 0, os.WEXITED);
  const pid = inChild(blocks);
  attempt(os.waitid, os.P_ALL, 0, 0);
  attempt(os.waitid, os.P_ALL, 0, os.WNOHANG);
  attempt(os.waitid, 77, 0, os.WEXITED);
  attempt(os.waitid, os.P_PID, 1, os.WEXITED);
  os.kill(pid, SIGKILL);
  os.waitpid(pid);
}

function waitidHandlers() {
  os.signal(SIGUSR1, note);
  const [pid, go] = signaller(SIGUSR1);
  go();
  tell(os.waitid(os.P_PID, pid, os.WEXITED), pid);
}

function tell4([found, status, usage], pid) {
  say(`${python(found === pid)} status ${status}`);
  return usage;
}

function wait4Usage() {
  const pid = inChild(() => {
    const used = () => process.cpuUsage().user + process.cpuUsage().system;
    while (used() < 200_000);
    os._exit(7);
  });
  const usage = tell4(os.wait4(pid, 0), pid);
  const worked = usage.ruUtime + usage.ruStime > 0.1;
  say(`${python(worked)} ${python(usage.ruMaxrss > 1000)} ${usage.ruIxrss}`);
  say(Object.keys(usage).filter((name) => name.startsWith('ru')).length);
}

function wait4Nohang() {
  const pid = inChild(blocks);
  const [found, status, usage] = os.wait4(pid, os.WNOHANG);
  say(`${found} ${status} ${usage.ruMaxrss}`);
  os.kill(pid, SIGTERM);
  tell4(os.wait4(pid, 0), pid);
  attempt(os.wait4, pid, 0);
}

function wait4Stopped() {
  const pid = inChild(blocks);
  os.kill(pid, 'SIGSTOP');
  tell4(os.wait4(pid, os.WUNTRACED), pid);
  os.kill(pid, SIGKILL);
  tell4(os.wait4(-1, 0), pid);
}

function wait3Any() {
  const pid = inChild(() => os._exit(9));
  tell4(os.wait3(0), pid);
  attempt(os.wait3, 0);
  attempt(os.wait3, 64);
}

// --- signal ---

function word(handler) {
  if (handler === null) return 'None';
  if (handler === os.SIG_DFL) return 'SIG_DFL';
  if (handler === os.SIG_IGN) return 'SIG_IGN';
  return handler.name;
}

function previous() {
  for (const handler of [note, fail, os.SIG_IGN, os.SIG_IGN, note, os.SIG_DFL, os.SIG_DFL]) {
    say(`${word(os.signal(SIGUSR2, handler))} then ${word(os.getsignal(SIGUSR2))}`);
  }
}

const NUMBERS = Array.from({ length: 31 }, (_, i) => i + 1);

function atStart() {
  for (const number of NUMBERS) if (number !== 2) say(`${number} ${word(os.getsignal(number))}`);
}

function ignoredAtStart() {
  for (const name of ['SIGHUP', 'SIGCHLD', 'SIGPIPE']) say(word(os.getsignal(name)));
  attempt(() => statusOf(inChild(() => os._exit(3))));
}

function reallyIgnored() {
  os.signal(SIGUSR2, os.SIG_IGN);
  os.signal(SIGALRM, os.SIG_IGN);
  say(/^SigIgn.*/m.exec(readFileSync('/proc/self/status', 'utf8'))[0]);
  os.kill(os.getpid(), SIGUSR2);
  say('alive');
}

function defaultAgain() {
  os.signal(SIGUSR2, note);
  os.kill(os.getpid(), SIGUSR2);
  os.signal(SIGUSR2, os.SIG_DFL);
  os.kill(os.getpid(), SIGUSR2);
  say('alive');
}

function handlerAfterIgnored() {
  os.signal(SIGUSR2, os.SIG_IGN);
  os.signal(SIGUSR2, note);
  os.kill(os.getpid(), SIGUSR2);
}

function handlerInChild() {
  os.signal(SIGUSR2, note);
  const pid = inChild(() => {
    os.kill(os.getpid(), SIGUSR2);
    os._exit(0);
  });
  say(statusOf(pid));
}

function ignoredChildren() {
  os.signal('SIGCHLD', os.SIG_IGN);
  inChild(() => os._exit(3));
  attempt(os.wait);
}

function everySignal() {
  for (const number of NUMBERS) {
    try {
      os.signal(number, os.SIG_IGN);
      os.signal(number, os.SIG_DFL);
      say(`${number} ${word(os.getsignal(number))}`);
    } catch (error) {
      say(`${number} ${error.code}`);
    }
  }
}

function realtime() {
  os.signal(40, os.SIG_IGN);
  os.kill(os.getpid(), 40);
  say(word(os.signal(40, os.SIG_DFL)));
  os.kill(os.getpid(), 40);
}

function signalErrors() {
  attempt(os.signal, SIGKILL, os.SIG_IGN);
  attempt(os.signal, 'SIGSTOP', note);
  attempt(os.signal, 0, os.SIG_IGN);
  attempt(os.signal, 65, os.SIG_IGN);
  attempt(os.signal, SIGTERM, 'ignore');
  attempt(os.signal, SIGTERM, 7);
  attempt(os.signal, SIGTERM, null);
  attempt(os.getsignal, 0);
}

// --- sendFds and recvFds ---

function passes() {
  const [ours, theirs] = os.socketpair();
  const [reading, writing] = os.pipe();
  say(os.sendFds(ours, [Buffer.from('ab'), Buffer.from('c')], [writing]));
  const [message, fds, flags] = os.recvFds(theirs, 100, 1);
  say(`${message} ${fds.length} ${flags & os.MSG_CTRUNC}`);
  closeSync(writing);
  writeSync(fds[0], 'through');
  closeSync(fds[0]);
  say(read(reading));
  say(read(reading).length);
}

const openFiles = () => readdirSync('/proc/self/fd').length;

const passesRoom = (sent, room) => () => {
  const base = openFiles() + 2;
  const [ours, theirs] = os.socketpair();
  say(os.sendFds(ours, [Buffer.from('x')], Array(sent).fill(0)));
  const [message, fds, flags] = os.recvFds(theirs, 100, room);
  say(`${message} ${fds.length} ${python((flags & os.MSG_CTRUNC) !== 0)}`);
  say(openFiles() - fds.length - base);
};

function passesTooMany() {
  const [ours] = os.socketpair();
  attempt(os.sendFds, ours, [Buffer.from('x')], Array(254).fill(0));
}

function passesPart() {
  const [ours, theirs] = os.socketpair();
  os.sendFds(ours, [Buffer.from('hello')], [0, 1]);
  for (let i = 0; i < 2; i++) {
    const [message, fds] = os.recvFds(theirs, 3, 2);
    say(`${message} ${fds.length}`);
  }
}

function passesErrors() {
  const [ours, theirs] = os.socketpair();
  attempt(os.sendFds, ours, [Buffer.from('x')], [999]);
  attempt(os.sendFds, ours, ['x'], [0]);
  attempt(os.sendFds, ours, [Buffer.from('x')], ['0']);
  attempt(os.recvFds, theirs, -1, 0);
  attempt(os.recvFds, theirs, 10, 1, os.MSG_DONTWAIT);
  closeSync(ours);
  const [message, fds] = os.recvFds(theirs, 10, 1);
  say(`${message.length} ${fds.length}`);
  attempt(os.sendFds, theirs, [Buffer.from('x')], [0]);
}

function passesWaits() {
  const [ours, theirs] = os.socketpair();
  os.signal(SIGALRM, note);
  os.alarm(1);
  const pid = inChild(() => {
    os.sleep(1.5);
    const [reading, writing] = os.pipe();
    writeSync(writing, 'from the child');
    os.sendFds(theirs, [Buffer.from('here')], [reading]);
    os._exit(0);
  });
  const [message, fds] = os.recvFds(ours, 100, 4);
  say(`${message} ${fds.length}`);
  say(read(fds[0]));
  say(statusOf(pid));
}

function passesRaises() {
  const [ours] = os.socketpair();
  os.signal(SIGALRM, fail);
  os.alarm(1);
  attempt(os.recvFds, ours, 100, 1);
}

async function passesListening() {
  const [server] = bindSockets(0, '127.0.0.1');
  const [ours, theirs] = os.socketpair();
  const { port } = server.address();
  const pid = os.fork();
  if (pid === 0) {
    const [, fds] = os.recvFds(theirs, 1, 1);
    createServer((connection) => connection.end('from the child', () => os._exit(0))).listen({ fd: fds[0] });
    return;
  }
  os.sendFds(ours, [Buffer.from('x')], [server]);
  say(await text(connect(port, '127.0.0.1')));
  say(statusOf(pid));
}

const CASES = {
  'execv: arguments, and the environment as it is': execvArguments,
  'execve: another environment': () => os.execve('/usr/bin/env', ['env'], { A: '1', B: 'x y', EMPTY: '' }),
  'execvp: finds it': () => os.execvp('sh', ['sh', '-c', 'echo found']),
  'execvp: nowhere, and goes on': execvpMissing,
  'execvpe: in the PATH it is given': () =>
    os.execvpe('sh', ['sh', '-c', 'echo found $A'], { PATH: '/nonexistent:/bin', A: '1' }),
  'execvpe: without PATH': () => os.execvpe('sh', ['sh', '-c', 'echo found $A'], { A: '1' }),
  'execvpe: not in that PATH': () => attempt(os.execvpe, 'sh', ['sh'], { PATH: '/nonexistent' }),
  'execvpe: found, but no program': execvpForbidden,
  'execvpe: an empty item is the current directory': execvpEmptyItem,
  'execvp: with a slash': execvpSlash,
  'execvpe: a file in PATH': execvpNotADirectory,
  'execv: no such file': execvError('/nonexistent', 'x'),
  'execv: not executable': execvError('forbidden', 'x'),
  'execv: a directory': execvError('/usr', 'x'),
  'execv: neither a binary nor a script': execvError('text', 'x'),
  'execv: no interpreter': execvError('no-interpreter', 'x'),
  'execv: a loop of links': execvError('loop', 'x'),
  'execv: a name too long': execvError('x'.repeat(300), 'x'),
  'execv: too much': execvError(SH, 'x', 'y'.repeat(200000)),
  'execv: no arguments': execvError(SH),
  'execv: an empty name': execvError(SH, ''),
  'execv: NUL in the path': execvError('a\0b', 'x'),
  'execv: NUL in an argument': execvError(SH, 'x', 'a\0b'),
  'execv: a number': execvError(SH, 1),
  'execve: no name of a variable': () => attempt(os.execve, SH, ['sh', '-c', ':'], { 'A=B': '1' }),
  'exec: the same pid': execSamePid,
  'exec: beside other threads': execThreads,
  'exec: in another thread': execInThread,
  'exec: signals': () => shell(SIGNAL_STATE),
  'exec: ignored signals stay ignored': execIgnored,
  'exec: SIGPIPE set to its default': execSigpipe,
  'exec: handlers are gone': execHandler,
  'exec: descriptors are closed': execFds,
  'exec: an inheritable descriptor': execInheritable,
  'exec: standard input': execStdin,
  'exec: umask and directory': execUmask,
  'exec: the alarm': execAlarm,
  'exec: niceness': execNiceness,
  'exec: affinity': execAffinity,
  'exec: status': () => shell('exit 7'),
  'exec: killed': () => shell('kill -KILL $$'),
  'exec: in children': execInChild,
  'sleep: not less': sleeps,
  'sleep: a handler runs, and it sleeps on': sleepHandler,
  'sleep: a child ends, and it sleeps on': sleepChild,
  'sleep: a handler raises': sleepRaises,
  'sleep: refused': sleepRefused,
  'pause: until a handler has run': pauses,
  'pause: a handler raises': pauseRaises,
  'pause: not for what is ignored': pauseIgnored,
  'pause: the default': pauseDefault,
  'kill: this process, whose handler runs': killSelf,
  'kill: a handler raises': killRaises,
  'kill: errors': killErrors,
  'kill: a child': killChild,
  'kill and killpg: this group': killGroup,
  'killpg: a group of children': killpgChildren,
  'getpgid and getsid': groups,
  nice: niceness,
  'nice: forbidden': nicenessForbidden,
  'nice: in a child': nicenessInherited,
  affinity,
  'affinity: errors': affinityErrors,
  'flock: conflicts': flockConflict,
  'flock: errors': flockErrors,
  'flock: waits': flockWaits,
  'flock: handlers run': flockHandlers,
  'flock: a handler raises': flockRaises,
  'flock: shared with a child': flockSharedWithChild,
  'waitid: exited': waitidExited,
  'waitid: killed': waitidKilled,
  'waitid: stopped and continued': waitidStopped,
  'waitid: WNOHANG': waitidNohang,
  'waitid: WNOWAIT': waitidNowait,
  'waitid: a group': waitidGroup,
  'waitid: errors': waitidErrors,
  'waitid: handlers run': waitidHandlers,
  'wait4: what was used': wait4Usage,
  'wait4: WNOHANG': wait4Nohang,
  'wait4: stopped': wait4Stopped,
  wait3: wait3Any,
  'signal: what was there before': previous,
  'signal: at the start': atStart,
  'signal: ignored at the start': ignoredAtStart,
  'signal: really ignored': reallyIgnored,
  'signal: the default again': defaultAgain,
  'signal: a handler after SIG_IGN': handlerAfterIgnored,
  'signal: a handler in a child': handlerInChild,
  'signal: ignored children': ignoredChildren,
  'signal: every signal': everySignal,
  'signal: a real-time signal': realtime,
  'signal: errors': signalErrors,
  'send_fds: a pipe': passes,
  'send_fds: none': passesRoom(0, 1),
  'send_fds: three': passesRoom(3, 3),
  'send_fds: three, room for two': passesRoom(3, 2),
  'send_fds: three, room for one': passesRoom(3, 1),
  'send_fds: two, no room': passesRoom(2, 0),
  'send_fds: 253': passesRoom(253, 253),
  'send_fds: too many': passesTooMany,
  'send_fds: read in parts': passesPart,
  'send_fds: errors': passesErrors,
  'recv_fds: waits, and handlers run': passesWaits,
  'recv_fds: a handler raises': passesRaises,
  'send_fds: a listening socket': passesListening,
};

await CASES[process.argv[2]]();
