/** Subprocess beside Tornado's: each case of test/tornado/oracle/subprocesses.py and subprocesses.mjs prints the same. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CalledProcessError, STDOUT, Subprocess, type SubprocessOptions } from '../../lib/process';
import { oracleVersion, PYTHON, play } from '../helpers/oracle';

const version = oracleVersion();

function casesOf(): string[] {
  const script = join(__dirname, '..', 'tornado', 'oracle', 'subprocesses.py');
  return spawnSync(PYTHON, [script, '--list'], { encoding: 'utf8' }).stdout.trim().split('\n');
}

const SAYS: Record<string, string> = {
  'set_exit_callback: 3': 'None True\nset\nended 3 3',
  'set_exit_callback: SIGTERM': 'None True\nset\nended -15 -15',
  'wait_for_exit: 3': 'CalledProcessError 3\n3',
  'stdin and stdout': 'None\nto the cat\n0',
  errors: 'ENOENT\nEACCES\nENOENT\nENOENT',
  'empty values': '<><a><>\n=nameless\nA=\nA=without PATH\n2',
  uninitialize: 'not told\ntold 4',
  'stderr with stdout': 'None None\nout\nerr\n3',
  DEVNULL: 'None None\ndevice\n0',
  PIPE: "through Python's own\n0",
  'before the program': '/usr\n0027\n5',
};

const names = version === null ? [] : casesOf();

describe.skipIf(version === null)(
  `Tornado's Subprocess and ours: ${names.length} programs`,
  { timeout: 60_000 },
  () => {
    test.concurrent.each(names)('%s', async (name) => {
      const scenario = { name, program: 'subprocesses', args: [name] };
      const tornado = await play('python', scenario);
      if (name in SAYS) expect(tornado.stdout).toBe(SAYS[name]);
      expect(await play('node', scenario)).toEqual(tornado);
    });
  },
);

describe('What Tornado has not', () => {
  test('Any number may wait for the same end, before and after it.', async () => {
    const child = new Subprocess(['sh', '-c', 'exit 3']);
    const codes = await Promise.all([child.waitForExit(false), child.waitForExit(false)]);
    const late = await new Promise((resolve) => child.setExitCallback(resolve));
    expect([...codes, late, await child.waitForExit(false)]).toEqual([3, 3, 3, 3]);
    await expect(child.waitForExit()).rejects.toMatchObject({
      message: "Command '['sh', '-c', 'exit 3']' returned non-zero exit status 3.",
      cmd: ['sh', '-c', 'exit 3'],
    });
    await expect(child.waitForExit()).rejects.toBeInstanceOf(CalledProcessError);
  });

  test.each<[unknown, unknown]>([
    [[], {}],
    [7, {}],
    [[1], {}],
    [['true'], { stdin: 'pipe' }],
    [['true'], { start_new_session: true }],
    [['true'], { shell: 1 }],
    [['true'], { cwd: 1 }],
    [['true'], { stdin: STDOUT }],
    [['true'], { stdout: STDOUT }],
    [['true'], { passFds: ['1'] }],
    [['true'], { preexec_fn: () => {} }],
    [['echo', 'cut\0off'], {}],
    [['true'], { cwd: '/tmp\0' }],
    [['true'], { env: { A: 1 } }],
    [['true'], { env: { A: 'cut\0off' } }],
    [['true'], { env: { 'A=B': 'C' } }],
    [['true'], { env: new Map([['A', 'B']]) }],
  ])('%j, %j is a TypeError', (args, options) => {
    expect(() => new Subprocess(args as string[], options as SubprocessOptions)).toThrow(TypeError);
  });

  test("A script without '#!' is run by /bin/sh; in Python it is no program.", async () => {
    const script = join(mkdtempSync(join(tmpdir(), 'subprocess-')), 'script');
    writeFileSync(script, 'exit 6', { mode: 0o700 });
    expect(await new Subprocess([script]).waitForExit(false)).toBe(6);
    const python = `import subprocess; subprocess.Popen(["${script}"])`;
    if (version !== null)
      expect(spawnSync(PYTHON, ['-c', python]).stderr.toString()).toMatch('Exec format error');
  });

  test('An error at the start is thrown, and not an event that would end the process.', async () => {
    const uncaught = once(process, 'uncaughtException', { signal: AbortSignal.timeout(200) });
    expect(() => new Subprocess(['no-such-program'])).toThrow(
      expect.objectContaining({ code: 'ENOENT', syscall: 'spawn', address: 'no-such-program' }),
    );
    await expect(uncaught).rejects.toMatchObject({ name: 'AbortError' });
  });
});
