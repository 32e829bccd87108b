// Cases of kill, killpg, groups, niceness and affinity.
import { constants } from 'node:os';
import * as os from 'prefork/os';
import { say } from '../configure.mjs';
import { attempt, blocks, fail, inChild, note, python, statusOf } from './common.mjs';

const { SIGKILL, SIGTERM, SIGUSR2 } = constants.signals;

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

export const CASES = {
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
};
