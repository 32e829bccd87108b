// Cases of sleep and pause.
import { constants } from 'node:os';
import * as os from 'prefork/os';
import { say } from '../configure.mjs';
import { attempt, fail, inChild, note, now, python, signaller, statusOf } from './common.mjs';

const { SIGUSR1, SIGUSR2 } = constants.signals;

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

export const CASES = {
  'sleep: not less': sleeps,
  'sleep: a handler runs, and it sleeps on': sleepHandler,
  'sleep: a child ends, and it sleeps on': sleepChild,
  'sleep: a handler raises': sleepRaises,
  'sleep: refused': sleepRefused,
  'pause: until a handler has run': pauses,
  'pause: a handler raises': pauseRaises,
  'pause: not for what is ignored': pauseIgnored,
  'pause: the default': pauseDefault,
};
