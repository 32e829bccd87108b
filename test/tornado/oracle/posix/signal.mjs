// Cases of signal.
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import * as os from 'prefork/os';
import { say } from '../configure.mjs';
import { attempt, fail, inChild, note, statusOf } from './common.mjs';

const { SIGALRM, SIGKILL, SIGTERM, SIGUSR2 } = constants.signals;

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

export const CASES = {
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
};
