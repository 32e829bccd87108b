// Cases of exec.
import { openSync, symlinkSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { Worker } from 'node:worker_threads';
import * as os from 'prefork/os';
import { say } from '../configure.mjs';
import { attempt, inChild, make, note, SH, shell, statusOf } from './common.mjs';

const require = createRequire(import.meta.url);
const { SIGTERM, SIGUSR1 } = constants.signals;

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

export const CASES = {
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
};
