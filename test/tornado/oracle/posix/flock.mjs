// Cases of flock.
import { openSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import * as os from 'prefork/os';
import { say } from '../configure.mjs';
import { attempt, fail, inChild, note, read, statusOf } from './common.mjs';

const { SIGALRM } = constants.signals;

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

export const CASES = {
  'flock: conflicts': flockConflict,
  'flock: errors': flockErrors,
  'flock: waits': flockWaits,
  'flock: handlers run': flockHandlers,
  'flock: a handler raises': flockRaises,
  'flock: shared with a child': flockSharedWithChild,
};
