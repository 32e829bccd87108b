/**
 * prefork/multiprocessing beside Python's multiprocessing, fork context: each case of test/tornado/oracle/processes.py and
 * processes.mjs prints the same, ends the same, and leaves nobody behind.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { oracleVersion, PYTHON, play } from '../helpers/oracle';

const PROGRAMS = join(__dirname, '..', 'tornado', 'oracle');

const hasPython = oracleVersion() !== null;

function casesOf(): string[] {
  const { stdout } = spawnSync(PYTHON, [join(PROGRAMS, 'processes.py'), '--list'], { encoding: 'utf8' });
  return stdout.trim().split('\n');
}

/** What Python has to have said: all of it, so that two failures of the same kind are no success. */
const SAYS: Record<string, { stdout?: string; stderr?: string }> = {
  'process: arguments': { stdout: '1 two [3]\n0' },
  'process: exits': { stdout: '0 0 3 4' },
  'process: raises': { stdout: '1', stderr: 'Process Process-1:\nerror: boom' },
  'process: raises, with a name': { stdout: '1', stderr: 'Process worker:\nerror: boom' },
  'process: killed': { stdout: '-9 -15 -12' },
  'process: terminate and kill': { stdout: '-15 -9\nFalse' },
  'process: misused': { stdout: 'refused\nNone None False\nrefused\n0 False False' },
  'process: closed': { stdout: 'refused\nrefused\nrefused' },
  'process: names': {
    stdout:
      'MainProcess None\nProcess-1 MainProcess\nProcess-1:1\nProcess-1:2\na name\nother MainProcess\nProcess-2:1\nProcess-2:2\na name\nProcess-3\nthird',
  },
  'process: daemons': { stdout: 'True\nrefused\n0\nrefused' },
  'process: a daemon at exit': { stdout: 'end' },
  'process: joined at exit': { stdout: 'parent\nchild' },
  "process: joined at a child's exit": { stdout: 'child\ngrandchild\n0' },
  'process: join with a timeout': { stdout: 'None True\n-9 False' },
  'process: active children': { stdout: '0\n0\n3 0\n0' },
  'process: memory': { stdout: '2\n1' },
  'process: standard input': { stdout: "''" },
  'pipe: both ways': { stdout: '1 and back\n0' },
  'pipe: in order': { stdout: 'True\n0' },
  'pipe: directions': { stdout: 'True False False True\nrefused\nrefused\nrefused' },
  'pipe: its end': { stdout: 'last\nEOFError\nTrue\n0' },
  'pipe: broken': { stdout: 'EPIPE\nEPIPE\nEOFError' },
  'pipe: poll': { stdout: 'False False\nTrue True 1 False\n0' },
  'pipe: large': { stdout: '5000001\n0' },
  'pipe: bytes': { stdout: '3 0' },
  'pipe: closed': { stdout: 'False\nTrue\nrefused\nrefused\nrefused' },
  'pipe: torn': { stdout: 'refused\n-9' },
  'lock: one at a time': { stdout: '0 0 0 0\n800' },
  'lock: timeouts': { stdout: 'True False False\nFalse False\nTrue' },
  'lock: released by others': { stdout: 'refused\nTrue\nrefused' },
  rlock: { stdout: 'refused\nTrue True\nFalse\nrefused\nFalse\nrefused\nTrue\nrefused' },
  semaphore: { stdout: '2 True True False 0\n1 True False\n3' },
  'semaphore: hands over': { stdout: '0 0 0 0 0\n0 0' },
  'semaphore: bounded': { stdout: 'refused\nrefused\n2' },
  event: { stdout: 'False False\nTrue\nTrue True True\nFalse False\nTrue' },
  'condition: wait_for': { stdout: 'saw 1\nsaw 2\nsaw 3\n0 0 0' },
  'condition: notify': { stdout: '1\n3\n0 0 0 0\n4' },
  'condition: errors': { stdout: 'refused\nrefused\nrefused\nFalse False 7\nrefused' },
  'condition: recursive': { stdout: 'True\nFalse\nrefused\n0' },
  barrier: { stdout: '0 0 0\n60 3 0 False' },
  'barrier: action': { stdout: 'action\naction\n0 0' },
  'barrier: broken': {
    stdout: 'BrokenBarrierError\nTrue\nBrokenBarrierError\nFalse\nBrokenBarrierError\n0\nTrue 0',
  },
  'barrier: reset': { stdout: 'BrokenBarrierError\n0\nFalse 0\n0' },
  'barrier: an action that raises': { stdout: 'refused\nTrue' },
  value: { stdout: '6 1.5 -56' },
  array: { stdout: '0 1 4\n2 1.5 2.5\n9' },
  queue: { stdout: '0 10 20 30 40\nEmpty\nEmpty\n0 True\n0' },
  'queue: full': { stdout: 'True 2\nFull\nFull\nFull\na b False 0\nEmpty' },
  'queue: waits for room': { stdout: '0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19\n0' },
  'queue: many': { stdout: '39800\n0 0 0' },
  'queue: large': { stdout: '3000000\n0' },
  'queue: outlives': { stdout: '0\nfrom who has ended' },
  'queue: closed': { stdout: '1\nrefused\nrefused' },
  'queue: joinable': { stdout: '20\nrefused' },
  'queue: simple': { stdout: 'True\nFalse 1 True' },
  wait: { stdout: '0 0\nTrue\nTrue\nTrue\nrefused' },
  'fork()': { stdout: 'False\nfrom fork()\n0' },
};

const names = hasPython ? casesOf() : [];

test('Both programs have the same cases, and each has its words.', () => {
  const program = readFileSync(join(PROGRAMS, 'processes.mjs'), 'utf8');
  const [, list = ''] = /const CASES = \{\n([\s\S]*?)\n\};/.exec(program) ?? [];
  const here = [...list.matchAll(/^ {2}(?:'([^']+)'|"([^"]+)"|([\w()]+))(?=[:,])/gm)].map(
    ([, single, double, bare]) => single ?? double ?? bare,
  );
  if (hasPython) expect(here).toEqual(names);
  expect(Object.keys(SAYS)).toEqual(here);
  expect(here.length).toBeGreaterThanOrEqual(50);
});

describe.skipIf(!hasPython)(`CPython and prefork/multiprocessing: ${names.length} scenarios`, () => {
  test.concurrent.each(names)('%s', { timeout: 90_000 }, async (name) => {
    const scenario = { name, program: 'processes', args: [name] };
    const python = await play('python', scenario);
    expect(python).toMatchObject({ end: 'status 0', survivors: 0, stderr: '', ...SAYS[name] });
    expect(await play('node', scenario)).toEqual(python);
  });
});
