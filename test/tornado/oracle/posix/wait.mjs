// Cases of waitid, wait3 and wait4.
import { constants } from 'node:os';
import * as os from 'prefork/os';
import { say } from '../configure.mjs';
import { attempt, blocks, inChild, note, python, signaller, statusOf } from './common.mjs';

const { SIGKILL, SIGTERM, SIGUSR1 } = constants.signals;

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

export const CASES = {
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
};
