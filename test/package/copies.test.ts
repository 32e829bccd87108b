/** Several copies of the package in one process, as npm installs them where versions do not go together. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { prefork, program as start } from '../helpers/command';
import { installedCopy } from '../helpers/installed-copy';
import { ROOT } from '../helpers/stdin';

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };

/** What the program prints; it ends with status 0. */
async function run(folder: string, name: string, program: string): Promise<string> {
  writeFileSync(join(folder, name), program);
  const { status, stdout, stderr } = await start(process.execPath, [name], { cwd: folder }).result;
  expect(status, stderr).toBe(0);
  return stdout;
}

test('Two copies of the package in one process know each other: hooks, sockets, task ids, waits and the log.', async () => {
  const folder = installedCopy({ withAddon: true });
  const other = installedCopy({ withAddon: true });
  const program = `
    const one = require('prefork');
    const two = require(${JSON.stringify(join(other, 'node_modules', 'prefork'))});
    const { readSync, writeSync } = require('node:fs');
    const say = (...words) => writeSync(1, words.join(' ') + '\\n');
    const hooks = [];
    one.registerAtFork({ before: () => hooks.push('one') });
    two.registerAtFork({ before: () => hooks.push('two') });
    // Ends when it is told to: a promise that is fulfilled before the next fork would be so in both processes.
    const [reading, writing] = one.pipe();
    const first = one.fork();
    if (first === 0) {
      readSync(reading, Buffer.alloc(1));
      one._exit(3);
    }
    one.waitpidAsync(first).then(([, status]) => {
      say('ended with', status >> 8);
      setImmediate(forkATask);
    });
    function forkATask() {
      if (one.forkProcesses(1, 0, { allowActive: true }) !== 0) return;
      say('task', one.taskId(), two.taskId());
      process.exit(0);
    }
    const inner = two.fork();
    if (inner === 0) {
      // What the other copy waits for is a sibling here, and keeps nothing alive.
      process.on('exit', () => process.reallyExit(4));
      return;
    }
    say('inner child', two.waitstatusToExitcode(two.waitpid(inner)[1]));
    writeSync(writing, '.');
    say(one.fork === two.fork, hooks.join(' '));
    const [socket] = one.bindSockets(0, '127.0.0.1');
    say(socket instanceof two.ListeningSocket, {} instanceof two.ListeningSocket);
    const server = new two.HTTPServer((request, response) => response.end('served'));
    server.addSockets([socket]);
    server.stop();
    one.basicConfig({ format: 'configured %(message)s', stream: 1 });
    two.appLog.warning('by the other');
  `;
  expect((await run(folder, 'program.cjs', program)).trim().split('\n')).toEqual([
    'inner child 4',
    'false two one two one',
    'true false',
    'configured by the other',
    'ended with 3',
    'task 0 0',
  ]);
});

test('A copy whose state has another form says so, and is left alone.', async () => {
  const folder = installedCopy({ withAddon: true });
  const program = `
    globalThis[Symbol.for('prefork')] = { form: 0, from: '/elsewhere', things: null };
    process.on('warning', ({ name, message }) => console.log(name, message));
    const { fork, registerAtFork, wait } = require('prefork');
    let calls = 0;
    registerAtFork({ before: () => calls++ });
    if (fork() === 0) process.exit(0);
    wait();
    console.log(calls);
  `;
  const [calls, warning] = (await run(folder, 'program.cjs', program)).trim().split('\n');
  expect(calls).toBe('1');
  expect(warning).toMatch(/^PreforkWarning Two versions of prefork .* from \/elsewhere and from /);
});

/** An application with one installed copy, `other` with another, and how a program requires them. */
function twoCopies(): { folder: string; other: string; required: string } {
  const folder = installedCopy({ withAddon: true });
  const other = JSON.stringify(join(installedCopy({ withAddon: true }), 'node_modules', 'prefork'));
  return { folder, other, required: `const one = require('prefork'); const two = require(${other});` };
}

test('Children, pipes and handlers of signals of one are known to the other.', async () => {
  const { folder, required } = twoCopies();
  const program = `
    ${required}
    const { readSync, writeSync } = require('node:fs');
    const [reading, writing] = two.pipe();
    const pid = one.fork();
    if (pid === 0) {
      writeSync(writing, 'x');
      one._exit(3);
    }
    console.log(readSync(reading, Buffer.alloc(1)), two.wait()[0] === pid);
    one.signal('SIGUSR2', console.log);
    console.log(two.getsignal('SIGUSR2') === console.log);
  `;
  expect(await run(folder, 'program.cjs', program)).toBe('1 true\ntrue\n');
});

test('A worker thread that has loaded another copy has its own pid in the child.', async () => {
  const { folder, other } = twoCopies();
  const program = `
    const one = require('prefork');
    const { Worker } = require('node:worker_threads');
    const worker = new Worker(\`
      require(${other});
      const { parentPort } = require('node:worker_threads');
      parentPort.on('message', () => parentPort.postMessage(process.pid));
      // Once the turn of the loop is over that has loaded this: in the next one its pid comes before any message.
      setImmediate(() => parentPort.postMessage('ready'));
    \`, { eval: true });
    worker.once('message', () => {
      const pid = one.fork();
      worker.once('message', (seen) => {
        if (pid === 0) one._exit(seen === process.pid ? 7 : 1);
        console.log(seen === process.pid, one.waitstatusToExitcode(one.waitpid(pid)[1]));
        process.exit();
      });
      worker.postMessage('ask');
    });
  `;
  expect(await run(folder, 'program.cjs', program)).toBe('true 7\n');
});

/**
 * Forks forty times in the main thread with one copy, and in a worker thread with the other, both without a pause. Each
 * child has a copy of the other thread, which is to do nothing there.
 */
const FORKS_IN_TWO_THREADS = (required: string) => `
  ${required}
  const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');
  const copy = isMainThread ? one : two;
  const home = isMainThread ? one.getpid() : workerData;
  const restIfElsewhere = () => {
    if (copy.getpid() !== home) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  };
  function end(pid) {
    try {
      return copy.waitstatusToExitcode(copy.waitpid(pid)[1]);
    } catch (error) {
      restIfElsewhere();
      throw error;
    }
  }
  function forks() {
    for (let i = 0; i < 40; i++) {
      const pid = copy.fork();
      if (pid === 0) copy._exit(i);
      restIfElsewhere();
      const code = end(pid);
      restIfElsewhere();
      if (code !== i) throw new Error(code + ' instead of ' + i);
    }
  }
  if (isMainThread) {
    const worker = new Worker(__filename, { workerData: home });
    worker.once('message', () => {
      worker.once('message', () => console.log('done'));
      forks();
    });
  } else {
    parentPort.postMessage('ready');
    forks();
    parentPort.postMessage('done');
  }
`;

test('Two threads fork at the same time, each with its copy.', async () => {
  const { folder, required } = twoCopies();
  expect(await run(folder, 'program.cjs', FORKS_IN_TWO_THREADS(required))).toBe('done\n');
});

/** As if it had been compiled for another version of the package: the note in the addon has it, and nothing else. */
function makeOtherVersion(folder: string): void {
  const file = join(folder, 'node_modules', 'prefork', 'build', 'Release', 'prefork.node');
  const addon = readFileSync(file);
  for (let at = addon.indexOf(`${version}\0`); at !== -1; at = addon.indexOf(`${version}\0`, at + 1))
    addon.write('9.9.9', at, 'latin1');
  writeFileSync(file, addon);
}

test('Copies of two versions say so; their forks take turns, and they share counters and hooks.', async () => {
  const { folder, required } = twoCopies();
  makeOtherVersion(folder);
  expect(
    await run(folder, 'program.cjs', `process.on('warning', () => {}); ${FORKS_IN_TWO_THREADS(required)}`),
  ).toBe('done\n');
  const program = `
    process.on('warning', ({ name, message }) => {
      console.log(name, /^prefork 9.9.9 is loaded from \\S+, and ${version.replaceAll('.', '\\.')} from /.test(message));
    });
    ${required}
    two.registerAtFork({ before: () => console.log('hook') });
    const { hits } = one.sharedCounters(['hits']);
    if (one.fork() === 0) {
      two.sharedCounters(['hits']).hits.add(2);
      one._exit(0);
    }
    one.wait();
    console.log(hits.value);
  `;
  expect(await run(folder, 'again.cjs', program)).toBe('hook\n2\nPreforkWarning true\n');
});

test('Under the command, which is another copy, each copy of an application knows its worker.', async () => {
  const { folder, required } = twoCopies();
  writeFileSync(
    join(folder, 'server.js'),
    `
    ${required}
    const { createServer } = require('node:http');
    const counters = [one, two].map((copy) => copy.sharedCounters(['hits']).hits);
    let tell;
    one.ready(new Promise((resolve) => { tell = resolve; }));
    createServer((request, response) => response.end()).listen(0, '127.0.0.1', () => {
      if (one.worker() === null) return;
      console.log(JSON.stringify([one.worker(), two.worker()].map(({ id, pid }) => [id, pid === process.pid])));
      setImmediate(() => {
        const states = [one, two].map((copy) => copy.scoreboard().map(({ state }) => state));
        tell();
        setImmediate(() => {
          for (const copy of [one, two]) states.push(copy.scoreboard().map(({ state }) => state));
          console.log(JSON.stringify(states));
          counters[0].add(1);
          two.sharedCounters(['hits']).hits.add(10);
          console.log(counters[0].value, counters[1].value);
        });
      });
    });`,
  );
  const running = prefork(folder, ['server.js', '-w', '1']);
  const lines = [await running.line(), await running.line(), await running.line()];
  running.kill('SIGTERM');
  expect((await running.result).status).toBe(0);
  expect(lines).toEqual(['[[0,true],[0,true]]', '[["booting"],["booting"],["ready"],["ready"]]', '11 11']);
});
