// What the cases have in common.
import { chmodSync, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs';
import * as os from 'prefork/os';
import { say } from '../configure.mjs';

export const SH = '/bin/sh';

export const python = (value) => (value === true ? 'True' : value === false ? 'False' : String(value));

/** Python's way of writing what a call answers. */
const answer = (value) => (Array.isArray(value) ? `(${value.map(python).join(', ')})` : python(value));

export function attempt(call, ...parameters) {
  try {
    const result = call(...parameters);
    say(result === undefined ? 'no error' : `no error ${answer(result)}`);
  } catch (error) {
    say(error.syscall ? error.code : /^ERR_PREFORK_(INVALID|OUT)/.test(error.code) ? 'refused' : error.code);
  }
}

export const shell = (script, ...rest) => os.execv(SH, ['sh', '-c', script, ...rest]);

export function inChild(call) {
  const pid = os.fork();
  if (pid !== 0) return pid;
  try {
    call();
  } finally {
    os._exit(99);
  }
}

export const statusOf = (pid) => os.waitstatusToExitcode(os.waitpid(pid, 0)[1]);

export function make(name, contents, mode) {
  writeFileSync(name, contents);
  chmodSync(name, mode);
}

export function blocks() {
  for (;;) os.pause();
}

export const read = (fd, size = 100) => {
  const buffer = Buffer.alloc(size);
  return buffer.toString('utf8', 0, readSync(fd, buffer));
};

const isAsleep = (pid) => readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1).startsWith('S');

/** A child that sends signals to this process, once somebody has written to the pipe, and then sleeps. */
export function signaller(...signals) {
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

export function note(signal) {
  say(`handler ${signal}`);
}

export function fail() {
  throw Object.assign(new Error('raised'), { code: 'EIO', syscall: 'test' });
}

export const now = () => performance.now() / 1000;
