// prefork/os, beside Python's os, signal, time, fcntl and socket. argv: one case, or --list.
import { CASES as EXEC } from './posix/exec.mjs';
import { CASES as FLOCK } from './posix/flock.mjs';
import { CASES as KILL } from './posix/kill.mjs';
import { CASES as PASS_DESCRIPTORS } from './posix/pass-descriptors.mjs';
import { CASES as SIGNAL } from './posix/signal.mjs';
import { CASES as SLEEP } from './posix/sleep.mjs';
import { CASES as WAIT } from './posix/wait.mjs';

const CASES = { ...EXEC, ...SLEEP, ...KILL, ...FLOCK, ...WAIT, ...SIGNAL, ...PASS_DESCRIPTORS };

const [, , name] = process.argv;
if (name === '--list') console.log(Object.keys(CASES).join('\n'));
else await CASES[name]();
