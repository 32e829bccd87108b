/**
 * prefork/os beside Python's os, signal, time, fcntl and socket: each case of test/tornado/oracle/posix.py and posix.mjs prints
 * the same, ends the same, and leaves nobody behind.
 */
import { spawnSync } from 'node:child_process';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Outcome, oracleVersion, PYTHON, play, type Scenario } from '../helpers/oracle';

const PROGRAMS = join(__dirname, '..', 'tornado', 'oracle');

const version = oracleVersion();

/** What the oracle has to have said, where two equal failures would look like a success. */
const SAYS: Record<string, Scenario['says']> = {
  'execv: arguments, and the environment as it is': { stdout: 'a b c hello' },
  'execvp: nowhere, and goes on': { stdout: 'ENOENT', end: 'status 127' },
  'execvpe: found, but no program': { stdout: 'EACCES' },
  'execv: too much': { stdout: 'E2BIG\nstill here' },
  'execv: no arguments': { stdout: 'refused\nstill here' },
  'exec: the same pid': { stdout: 'pid=N\nsame' },
  'exec: beside other threads': { stdout: 'same\n1' },
  'exec: in another thread': { stdout: 'same' },
  'exec: ignored signals stay ignored': { stdout: /alive$/ },
  'exec: handlers are gone': { end: 'SIGTERM' },
  'exec: descriptors are closed': { stdout: `${'open\n'.repeat(3)}${'closed\n'.repeat(5)}`.trim() },
  'exec: an inheritable descriptor': { stdout: 'through the pipe\nopen\nclosed\nclosed\nclosed' },
  'exec: standard input': { stdout: 'ready\nthe rest' },
  'exec: the alarm': { end: 'SIGALRM' },
  'exec: killed': { end: 'SIGKILL' },
  'exec: in children': { stdout: '0\n1\n127' },
  'sleep: a handler runs, and it sleeps on': { stdout: 'handler 10\nslept True\n0' },
  'sleep: a handler raises': { stdout: 'EIO\n0' },
  'pause: until a handler has run': { stdout: 'handler 10\npaused\n0' },
  'pause: the default': { end: 'SIGUSR2' },
  'kill: this process, whose handler runs': { stdout: 'handler 12\nafter' },
  'nice: forbidden': { stdout: `EPERM\n${getPriority()}` },
  'flock: handlers run': { stdout: 'handler 14\nhas it' },
  'signal: the default again': { stdout: 'handler 12', end: 'SIGUSR2' },
  'signal: ignored children': { stdout: 'ECHILD' },
  'signal: a real-time signal': { stdout: 'SIG_IGN' },
  'send_fds: a pipe': { stdout: '3\nabc 1 0\nthrough\n0' },
  'send_fds: three, room for two': { stdout: '1\nx 2 True\n0' },
  'recv_fds: waits, and handlers run': { stdout: 'handler 14\nhere 1\nfrom the child\n0' },
};

function casesOf(command: string, program: string): string[] {
  const { stdout } = spawnSync(command, [join(PROGRAMS, program), '--list'], { encoding: 'utf8' });
  return stdout.trim().split('\n');
}

function scenarioOf(name: string): Scenario {
  // The process that a child signals may end before the child does.
  const scenario: Scenario = { name, program: 'posix', args: [name], fades: true };
  if (name in SAYS) Object.assign(scenario, { says: SAYS[name] });
  if (name !== 'exec: standard input') return scenario;
  const drive: Scenario['drive'] = async (running) => {
    await running.until(/ready\n/);
    running.endInput('the rest\n');
  };
  return { ...scenario, drive };
}

function expectSaid(actual: Outcome, wanted: NonNullable<Scenario['says']>): void {
  for (const [name, value] of Object.entries(wanted) as [keyof Outcome, string | number | RegExp][]) {
    if (value instanceof RegExp) expect(String(actual[name]), `Python: ${name}`).toMatch(value);
    else expect(actual[name], `Python: ${name}`).toBe(value);
  }
}

const names = version === null ? [] : casesOf(PYTHON, 'posix.py');

test('Both programs have the same cases.', () => {
  const here = casesOf(process.execPath, 'posix.mjs');
  if (version !== null) expect(here).toEqual(names);
  expect(Object.keys(SAYS).filter((name) => !here.includes(name))).toEqual([]);
  expect(here.length).toBeGreaterThanOrEqual(100);
});

test.skipIf(version === null)(
  'A signal that was ignored at the start (nohup, trap) stays so in Python; Node sets the default, but for SIGPIPE.',
  { timeout: 90_000 },
  async () => {
    const under = ['env', '--ignore-signal=HUP,CHLD'];
    const scenario = { name: 'ignored', program: 'posix', args: ['signal: ignored at the start'], under };
    expect((await play('python', scenario)).stdout).toBe('SIG_IGN\nSIG_IGN\nSIG_IGN\nECHILD');
    expect((await play('node', scenario)).stdout).toBe('SIG_DFL\nSIG_DFL\nSIG_IGN\nno error 3');
  },
);

test.skipIf(version === null)(
  'Arguments that nobody should give have the same answers and errors; what Python raises before it asks the kernel is refused.',
  { timeout: 90_000 },
  async () => {
    const scenario = { name: 'odd arguments', program: 'odd_arguments' };
    const python = await play('python', scenario);
    expect(python).toMatchObject({ stderr: '', end: 'status 0' });
    expect(python.stdout.split('\n').length).toBeGreaterThan(350);
    expect(await play('node', scenario)).toEqual(python);
  },
);

describe.skipIf(version === null)(
  `CPython and prefork/os: ${names.length} scenarios`,
  { timeout: 90_000 },
  () => {
    test.concurrent.each(names.map(scenarioOf))('$name', async (scenario) => {
      const python = await play('python', scenario);
      expect(python.stderr).toBe('');
      expectSaid(python, scenario.says ?? {});
      const ours = await play('node', scenario);
      expect(ours).toEqual(python);
    });
  },
);
