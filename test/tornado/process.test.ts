/** Ports of Tornado's process_test, and what this port adds: the guard, its options, its errors. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { describe, expect, test, vi } from 'vitest';
import { activeThings } from '../../lib/fork/active';
import { _exit } from '../../lib/os';
import { cpuCount, forkProcesses, taskId } from '../../lib/process';
import { runStdin } from '../helpers/stdin';

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

/** process_test.ProcessTest.test_multi_process, as a program; `limit` restarts, and what the driver does first. */
const multiProcess = (limit: number, misdeeds: string[]) => `
  const assert = require('node:assert');
  const http = require('node:http');
  const { HTTPServer } = require('prefork/httpserver');
  const { enablePrettyLogging } = require('prefork/log');
  const { bindSockets } = require('prefork/netutil');
  const { _exit, alarm } = require('prefork/os');
  const { forkProcesses, taskId } = require('prefork/process');

  const [sock] = bindSockets(0, '127.0.0.1');
  const { port } = sock.address();

  function handle(request, response) {
    const { searchParams } = new URL(request.url, 'http://localhost');
    if (searchParams.has('exit')) _exit(Number(searchParams.get('exit')));
    if (searchParams.has('signal')) process.kill(process.pid, searchParams.get('signal'));
    response.end(String(process.pid));
  }

  function fetch(path, { failOk = false } = {}) {
    return new Promise((resolve, reject) => {
      const request = http.get({ host: '127.0.0.1', port, path, agent: false }, async (response) => {
        let body = '';
        for await (const chunk of response) body += chunk;
        resolve(body);
      });
      request.on('error', (error) => (failOk ? resolve('') : reject(error)));
    });
  }

  async function drive() {
    // Make processes end abnormally.
    for (const misdeed of ${JSON.stringify(misdeeds)}) await fetch(misdeed, { failOk: true });
    // They have been restarted, so a new fetch will work.
    assert.match(await fetch('/'), /^\\d+$/);
    // Now end one normally: it must not be restarted.
    await fetch('/?exit=0', { failOk: true });
    // One process is left; watch its pid change.
    const pid = await fetch('/');
    await fetch('/?exit=4', { failOk: true });
    const pid2 = await fetch('/');
    assert.notEqual(pid, pid2);
    // End the last one, so that we shut down cleanly.
    await fetch('/?exit=0', { failOk: true });
    _exit(0);
  }

  enablePrettyLogging();
  process.on('exit', (code) => {
    // Only the master, and only if all children ended with status 0.
    if (taskId() === null) console.log('master', code);
  });
  // Ensure that none of these processes live too long. (Tornado: 5 s; this machine may be busy.)
  alarm(20);
  const id = forkProcesses(3, ${limit});
  alarm(20);
  assert.equal(id, taskId());
  if (id === 2) {
    sock.close();
    drive();
  } else {
    new HTTPServer(handle).addSockets([sock]);
  }
`;

/**
 * The log without its prefixes, pids and ids, sorted: of two children that have ended before the parent looks, it finds
 * the older one first.
 */
function messages(stderr: string): string[] {
  return stderr
    .trim()
    .split('\n')
    .map((line) => line.replace(/^\[.*?\] /, '').replace(/child \d \(pid \d+\)/, 'child'))
    .sort();
}

describe('ProcessTest', () => {
  test('test_multi_process', async () => {
    const { stdout, stderr, status } = await runStdin(multiProcess(3, ['/?exit=2', '/?exit=3']));
    expect(messages(stderr)).toEqual([
      'Starting 3 processes',
      'child exited normally',
      'child exited normally',
      'child exited normally',
      'child exited with status 2, restarting',
      'child exited with status 3, restarting',
      'child exited with status 4, restarting',
    ]);
    expect({ stdout, status }).toEqual({ stdout: 'master 0\n', status: 0 });
  });

  // Commented out upstream, because a Mac asks its user about processes that die of a signal.
  test('test_multi_process, with signals', async () => {
    const { stdout, stderr, status } = await runStdin(
      multiProcess(3, ['/?signal=SIGTERM', '/?signal=SIGABRT']),
    );
    expect(messages(stderr)).toEqual([
      'Starting 3 processes',
      'child exited normally',
      'child exited normally',
      'child exited normally',
      'child exited with status 4, restarting',
      'child killed by signal 15, restarting',
      'child killed by signal 6, restarting',
    ]);
    expect({ stdout, status }).toEqual({ stdout: 'master 0\n', status: 0 });
  });

  test('one restart too many', async () => {
    const { stdout, stderr, status } = await runStdin(multiProcess(2, ['/?exit=2', '/?exit=3']));
    expect(stderr).toContain('Error: Too many child restarts, giving up');
    expect({ stdout, status }).toEqual({ stdout: 'master 1\n', status: 1 });
  });
});

describe('the guard', () => {
  const GUARDED = `
    const net = require('node:net');
    const { forkProcesses } = require('prefork/process');
    function attempt(...args) {
      try {
        forkProcesses(...args);
        console.log('child');
      } catch (error) {
        console.log(error.code, error.message);
        console.log(error.active?.map(({ kind }) => kind).join());
      }
      process.exit();
    }
  `;

  test('something open on the loop: it is named, and nothing is forked', async () => {
    const { stdout, status } = await runStdin(
      `${GUARDED} net.createServer().listen(0, '127.0.0.1', () => attempt(2));`,
    );
    expect(stdout).toMatch(
      /^ERR_PREFORK_BUSY Cannot run in multiple processes: .*\n {2}- server 127\.0\.0\.1:\d+\n/,
    );
    expect(stdout).toMatch(/\nserver\n$/);
    expect(status).toBe(0);
  });

  test('with PREFORK_TRACE=1 it says where that was opened', async () => {
    const program = `${GUARDED} require('./test/fixtures/tornado/opens-watcher.cjs'); attempt(2);`;
    const { stdout } = await runStdin(program, { env: { PREFORK_TRACE: '1' } });
    expect(stdout).toMatch(/- file watcher \/tmp, opened at \/.*\/opens-watcher\.cjs:3:\d+\n/);
    expect(stdout).not.toContain('PREFORK_TRACE');
  });

  test('allowActive: it forks all the same', async () => {
    const { stdout, status } = await runStdin(
      `${GUARDED} net.createServer().listen(0, () => attempt(2, 0, { allowActive: true }));`,
    );
    expect({ stdout, status }).toEqual({ stdout: 'child\nchild\n', status: 0 });
  });

  test.each(
    Object.entries({
      timers: 'setInterval(() => {}, 1e6)',
      'signal listeners': "process.on('SIGTERM', () => {})",
      'standard streams': 'process.stdin.resume(); process.stdout; process.stderr',
      'a server that is not yet listening': 'net.createServer()',
      'bound sockets': "require('prefork/netutil').bindSockets(0)",
      'an idle worker that has ended':
        "await new Promise((done) => new (require('node:worker_threads').Worker)('0', { eval: true }).on('exit', done))",
    }),
  )('%s do not count', async (_name, program) => {
    const { stdout, status } = await runStdin(`${GUARDED} (async () => { ${program}; attempt(2); })();`);
    expect({ stdout, status }).toEqual({ stdout: 'child\nchild\n', status: 0 });
  });

  test('an IPC channel does not count, and its parent is not disturbed', async () => {
    const program = `
      const { spawn } = require('node:child_process');
      const script = "process.send('hello'); require('prefork/process').forkProcesses(2)";
      const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 1, 2, 'ipc'] });
      child.on('message', (message) => console.log(message));
      child.on('exit', (status) => console.log('exit', status));`;
    const { stdout, stderr } = await runStdin(program);
    expect({ stdout, stderr }).toEqual({ stdout: 'hello\nexit 0\n', stderr: '' });
  });
});

describe('forkProcesses', () => {
  test.each(['--input-type=module', '--input-type=commonjs'])('from standard input, %s', async (flag) => {
    const program = "import('prefork').then(({ forkProcesses }) => console.log(forkProcesses(2)))";
    const { stdout, stderr, status } = await runStdin(program, { flags: [flag] });
    expect(stdout.split('\n').sort().join('')).toBe('01');
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  });

  test('children have what the parent had computed, and their own from then on', async () => {
    const program = `
      const { forkProcesses } = require('prefork');
      const data = { loaded: 'once' };
      const id = forkProcesses(2);
      data.id = id;
      setTimeout(() => console.log(JSON.stringify(data)), 1);`;
    const { stdout } = await runStdin(program);
    expect(stdout.split('\n').sort()).toEqual(['', '{"loaded":"once","id":0}', '{"loaded":"once","id":1}']);
  });

  test('Infinity restarts: it never gives up', async () => {
    const program = `
      let lives = 0;
      require('prefork').setLogger({ info() {}, warn() { lives += 1; }, error() {} });
      require('prefork').forkProcesses(1, Infinity);
      process.exit(lives < 150 ? 1 : 0);`;
    expect((await runStdin(program)).status).toBe(0);
  });

  test('a logger of the user', async () => {
    const program = `
      const { forkProcesses, setLogger } = require('prefork');
      setLogger(console);
      process.exit(forkProcesses(1, 0) + 3);`;
    const { stdout, stderr } = await runStdin(program);
    expect(stdout).toBe('Starting 1 processes\n');
    expect(stderr).toMatch(/^child 0 \(pid \d+\) exited with status 3, restarting\n/);
  });

  test('a signal listener that leaves a request in flight prevents the next restart', async () => {
    const program = `
      const { forkProcesses, taskId } = require('prefork');
      process.on('SIGHUP', () => require('node:fs').writeFile('/dev/null', '', () => {}));
      const parent = process.pid;
      forkProcesses(1);
      process.kill(parent, 'SIGHUP');
      // The parent has heard it when it no longer sleeps with the signal pending.
      const pending = () => /^(Sig|Shd)Pnd:.*[1-9a-f]/m.test(require('node:fs').readFileSync('/proc/' + parent + '/status', 'utf8'));
      while (pending());
      process.exit(3);`;
    const { stderr, status } = await runStdin(program);
    expect(stderr).toMatch(/exited with status 3, restarting\n[\s\S]*fork\(\) while 1 request is in flight/);
    expect(status).toBe(1);
  });

  test('inside a test runner, as Tornado tests it: nothing on its loop counts', () => {
    expect(activeThings()).toEqual([]);
    const parent = process.pid;
    try {
      forkProcesses(2);
      _exit(0);
    } catch (error) {
      // vitest makes an error of process.exit(). In a child nothing may get back to it.
      if (process.pid !== parent) _exit(1);
      expect(String(error)).toContain('process.exit');
      expect(taskId()).toBe(null);
    }
  });

  test('under node --watch it warns', async () => {
    const program = "require('prefork').forkProcesses(1)";
    const { stderr, status } = await runStdin(program, { env: { WATCH_REPORT_DEPENDENCIES: '1' } });
    expect(stderr).toMatch(/^forkProcesses\(\) under node --watch: /);
    expect(status).toBe(0);
  });

  test.each([
    ['a string', ['2']],
    ['a fraction', [1.5]],
    ['far too many', [2 ** 30]],
    ['maxRestarts: a string', [2, '3']],
    ['maxRestarts: NaN', [2, Number.NaN]],
  ])('refuses %s', (_name, args) => {
    expect(() => Reflect.apply(forkProcesses, undefined, args)).toThrow(
      /Expected .* for (numProcesses|maxRestarts)/,
    );
  });

  test('outside of its children there is no task id', () => {
    expect(taskId()).toBe(null);
  });
});

test('cpuCount is what the kernel has switched on, not what this process may use', () => {
  const online = readFileSync('/proc/cpuinfo', 'utf8').match(/^processor\s*:/gm)?.length;
  expect(cpuCount()).toBe(online);
  expect(cpuCount()).toBeGreaterThanOrEqual(availableParallelism());
});

test.each([null, 1, { allowActive: 'yes' }, { warmup: 1 }])(
  'forkProcesses refuses %j as options.',
  (options) => {
    expect(() => forkProcesses(1, 1, options as never)).toThrow(
      expect.objectContaining({ name: 'TypeError', code: 'ERR_PREFORK_INVALID_ARG_TYPE' }),
    );
  },
);
