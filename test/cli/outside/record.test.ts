/** `prefork profile` and `prefork snapshot`: a worker records it and goes on; the file is the command's user's. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { prefork, program } from '../../helpers/command';
import { isRoot, sharedFolder } from '../../helpers/nobody';
import type { Program } from '../../helpers/run';
import { type Served, serve } from '../../helpers/served';
import { ROOT } from '../../helpers/stdin';

const DEADMAN = 150_000;
/** Patience, where an answer is to come. */
const PATIENT = ['--timeout', '100s'];

const APP = `
  class MarkerOfTheHeap {}
  globalThis.kept = new MarkerOfTheHeap();
  // Not inlined into its caller, which V8 would count it for.
  function burnsHere(isInner) {
    if (!isInner) return burnsHere(true);
    for (const end = Date.now() + 20; Date.now() < end;);
  }
  setInterval(() => burnsHere(false), 40).unref();
  require('node:http').createServer((_, response) => {
    response.end(String(process.pid));
  }).listen(0, '127.0.0.1');`;

function start(options: string[] = [], app = APP, path = 'app.js'): Promise<Served> {
  return serve([path, '-w', '1', '--hang-timeout', '0', ...options], {
    files: { 'app.js': app, 'out/.keep': '' },
    until: /1 worker ready/,
    deadman: DEADMAN,
  });
}

/** In the folder `out`. */
function begin(served: Served, command: string, ...args: string[]): Program {
  const line = [command, String(served.running.pid), '0', ...args];
  return prefork(join(served.folder, 'out'), line, { deadman: DEADMAN });
}

async function run(served: Served, command: string, ...args: string[]) {
  const { status, stdout, stderr } = await begin(served, command, ...args).result;
  return { status, stdout, stderr };
}

function filesOf({ folder }: Served): string[] {
  return readdirSync(join(folder, 'out')).filter((name) => name !== '.keep');
}

/** It has made its files, and waits for the worker or the lock. */
async function begun(served: Served): Promise<void> {
  while (!filesOf(served).some((name) => name.endsWith('.partial'))) await setTimeout(10);
}

interface Profile {
  nodes: { callFrame: { functionName: string; url: string } }[];
}

test('A profile has the functions that ran, and the worker goes on.', async () => {
  const served = await start();
  const pid = await served.ask();
  const { status, stdout, stderr } = await run(
    served,
    'profile',
    '--seconds',
    '2',
    '-o',
    'x.cpuprofile',
    ...PATIENT,
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(new RegExp(`^x\\.cpuprofile: .*B, of worker 0 \\(pid ${pid}\\)\\n$`));
  const path = join(served.folder, 'out', 'x.cpuprofile');
  const { nodes } = JSON.parse(readFileSync(path, 'utf8')) as Profile;
  expect(nodes.map(({ callFrame }) => callFrame.functionName)).toContain('burnsHere');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(filesOf(served)).toEqual(['x.cpuprofile']);
  expect(await served.ask()).toBe(pid);
  expect(await served.stop()).toBe('status 0');
});

async function expectSnapshot(served: Served): Promise<void> {
  const pid = await served.ask();
  const { status, stdout, stderr } = await run(served, 'snapshot', '-o', 'x.heapsnapshot', ...PATIENT);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(new RegExp(`^x\\.heapsnapshot: .*B, of worker 0 \\(pid ${pid}\\)\\n$`));
  const { snapshot, strings } = JSON.parse(
    readFileSync(join(served.folder, 'out', 'x.heapsnapshot'), 'utf8'),
  );
  expect(snapshot.node_count).toBeGreaterThan(1000);
  expect(strings).toContain('MarkerOfTheHeap');
  expect(filesOf(served)).toEqual(['x.heapsnapshot']);
  expect(await served.ask()).toBe(pid);
}

test('A snapshot has what is on the heap, and the worker goes on.', async () => {
  const served = await start();
  await expectSnapshot(served);
  expect(await served.stop()).toBe('status 0');
});

/** As a command does that somebody stops (Ctrl-Z) when the worker is at it: it says nothing and reads nothing any more. */
const STOPPED = `
  const { Question, ROOM_OR_NOT } = require(${JSON.stringify(join(ROOT, 'dist', 'manager', 'questions.js'))});
  const { SeenManager } = require(${JSON.stringify(join(ROOT, 'dist', 'manager', 'shown', 'seen-manager.js'))});
  const manager = new SeenManager(Number(process.argv[1]));
  manager.shareMemory();
  const { pid, worker } = manager.look().processes.find((each) => each.worker !== null);
  const question = new Question('snapshot', { row: worker.row, pid }, ROOM_OR_NOT);
  const look = () => {
    question.await();
    if (question.state === 'asked') setTimeout(look, 5);
    else console.log(question.state);
  };
  look();
  process.stdin.resume().once('end', () => console.log(question.state));`;

test('A command that somebody has stopped holds no worker that is told to end.', async () => {
  const app = `
    const server = require('node:http').createServer((_, response) => response.end()).listen(0, '127.0.0.1');
    process.once('SIGTERM', () => {
      server.close();
      // Runs only if something is left that is waited for.
      setTimeout(() => console.log('was held'), 5000).unref();
    });`;
  const served = await start([], app);
  const command = program(process.execPath, ['-e', STOPPED, String(served.running.pid)], {});
  expect(await command.line()).toBe('begun');
  expect(await served.stop()).toBe('status 0');
  expect((await served.running.result).stdout).toBe('');
  command.endInput();
  expect(await command.line()).toBe('failed');
});

test.runIf(isRoot)('A worker of another user needs no right to write where the file is to be.', async () => {
  const path = join(sharedFolder().folder, 'app.js');
  writeFileSync(path, APP);
  const served = await start(['--user', 'nobody'], APP, path); // in a folder that only root may enter
  await expectSnapshot(served);
  const { status, stderr } = await run(served, 'profile', '--seconds', '1', '-o', 'x.cpuprofile', ...PATIENT);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(await served.stop()).toBe('status 0');
});

test('A file that exists is replaced with --force, and only then; what is no file never is.', async () => {
  const served = await start();
  const path = join(served.folder, 'out', 'x.cpuprofile');
  writeFileSync(path, 'old');
  mkdirSync(join(served.folder, 'out', 'folder'));
  const profile = (...args: string[]) => run(served, 'profile', '--seconds', '1', ...args, ...PATIENT);
  const refused = await profile('-o', 'x.cpuprofile');
  expect(refused).toMatchObject({ status: 1, stdout: '' });
  expect(refused.stderr).toMatch(/^prefork: x\.cpuprofile exists: replace it with --force/);
  expect(readFileSync(path, 'utf8')).toBe('old');
  expect((await profile('-o', 'folder', '--force')).stderr).toMatch(
    /^prefork: folder is no file, and is not replaced/,
  );
  expect((await profile('-o', 'nowhere/x')).stderr).toMatch(/^prefork: ENOENT/);
  expect(await profile('-o', 'x.cpuprofile', '--force')).toMatchObject({ status: 0, stderr: '' });
  expect(readFileSync(path, 'utf8')).toMatch(/^\{"nodes"/);
  expect(filesOf(served).sort()).toEqual(['folder', 'x.cpuprofile']);
  expect(await served.stop()).toBe('status 0');
});

describe('No file is left', () => {
  test('of a command that a signal ends; the next one is served.', async () => {
    const served = await start();
    const running = begin(served, 'profile', '--seconds', '600', '-o', 'x.cpuprofile', ...PATIENT);
    await begun(served);
    running.kill('SIGINT');
    expect(await running.exit()).toBe('SIGINT');
    expect(filesOf(served)).toEqual([]);
    const next = await run(served, 'profile', '--seconds', '1', '-o', 'y.cpuprofile', ...PATIENT);
    expect(next).toMatchObject({ status: 0, stderr: '' });
    expect(await served.stop()).toBe('status 0');
  });

  test('of a worker that ends meanwhile.', async () => {
    const served = await start();
    const pid = Number(await served.ask());
    const running = begin(served, 'profile', '--seconds', '600', '-o', 'x.cpuprofile', ...PATIENT);
    await begun(served);
    process.kill(pid, 'SIGKILL');
    const { status, stderr } = await running.result;
    expect(status).toBe(1);
    expect(stderr).toBe(`prefork: Worker 0 (pid ${pid}) ended before it had answered\n`);
    expect(filesOf(served)).toEqual([]);
    expect(await served.stop()).toBe('status 0');
  });

  test('of a worker whose event loop stands still.', async () => {
    const served = await start();
    process.kill(Number(await served.ask()), 'SIGSTOP');
    const { status, stderr } = await run(served, 'snapshot', '-o', 'x.heapsnapshot', '--timeout', '1s');
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^prefork: Worker 0 .* has said nothing for 1 s: its event loop stands still\. prefork stack/,
    );
    expect(filesOf(served)).toEqual([]);
    expect(await served.stop('SIGQUIT')).toBe('status 0');
  });

  /** Words 6 and 8 of the second box: state, written. */
  test.each([
    ['profile', 'nonsense', '{"nodes":[{}],"samples":[],"timeDeltas":[] nonsense}'],
    ['profile', 'another object', '{"snapshot":{"meta":{}}}'],
    ['snapshot', 'half of one', '{"snapshot":{"meta":{"node_fields":["]}'],
    ['snapshot', 'more than one', '{"snapshot":{"meta":{}}}{}'],
  ])('of a %s for which a worker sends %s.', async (command, _, lie) => {
    const app = `
      const { sharedQuestions } = require(${JSON.stringify(join(ROOT, 'dist', 'shared', 'memory.js'))});
      const { buffer, byteOffset, byteLength } = sharedQuestions();
      const at = byteOffset + byteLength / 2;
      const words = new Int32Array(buffer, at, 10);
      const lie = ${JSON.stringify(lie)};
      require('node:http').createServer((_, response) => {
        response.end();
        setTimeout(() => {
          Buffer.from(buffer, at + 4096).write(lie);
          for (;;) [words[8], words[6]] = [lie.length, 2];
        }, 0);
      }).listen(0, '127.0.0.1');`;
    const served = await start([], app);
    await served.ask();
    const { status, stdout, stderr } = await run(served, command, '-o', 'x', '--timeout', '50s');
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(new RegExp(`^prefork: What worker 0 \\(pid \\d+\\) sends is no ${command}\\n$`));
    expect(filesOf(served)).toEqual([]);
    expect(await served.stop('SIGQUIT')).toBe('status 0');
  });
});

test('The log of the service says nothing of it.', async () => {
  const served = await start();
  const before = served.log;
  await run(served, 'profile', '--seconds', '1', '-o', 'x.cpuprofile', ...PATIENT);
  expect(served.log).toBe(before);
  expect(existsSync(join(served.folder, 'out', 'x.cpuprofile'))).toBe(true);
  expect(await served.stop()).toBe('status 0');
});
