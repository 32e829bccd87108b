/** Each test is a program of its own: the test runner's loop is full of things. */
import { describe, expect, test, vi } from 'vitest';
import { runStdin } from '../helpers/stdin';

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const PRELUDE = `
  const { activeThings, formatActive } = require('./dist/fork/active.js');
  const show = () => {
    console.log(activeThings().map(formatActive).join('\\n'));
    process.exit();
  };
`;

/** What the program shows, with numbers replaced. */
async function shown(program: string, env: Record<string, string> = {}): Promise<string> {
  const { stdout, stderr, status } = await runStdin(PRELUDE + program, { env });
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  return stdout.trim().replace(/\d+/g, 'N').replaceAll(process.execPath.replace(/\d+/g, 'N'), 'node');
}

describe('nothing is found', () => {
  test.each(
    Object.entries({
      'in an empty program': 'show()',
      'because timers are each process’s own':
        'setTimeout(() => {}, 1e6); setInterval(() => {}, 1e6); show()',
      'because signal listeners are': "process.on('SIGTERM', () => {}); show()",
      'because standard streams are meant to be shared':
        'process.stdin.resume(); process.stdout; process.stderr; show()',
      'after a callback, in it, although Node still lists its request':
        "require('node:fs').stat('/', () => setImmediate(() => require('node:fs').stat('/', show)))",
      'because a bound socket that is not served is on no loop':
        "require('prefork/netutil').bindSockets(0); show()",
    }),
  )('%s', async (_name, program) => {
    expect(await shown(program)).toBe('');
  });

  test('under the inspector', async () => {
    const { stdout } = await runStdin(`${PRELUDE} show()`, { flags: ['--inspect=0'] });
    expect(stdout).toBe('\n');
  });

  test('with an IPC channel to a parent', async () => {
    const program = `
      const script = \`process.on('message', () => {}); \${${JSON.stringify(PRELUDE)}} show();\`;
      const { spawn } = require('node:child_process');
      spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });`;
    expect((await runStdin(program)).stdout).toBe('\n');
  });

  test.each(['--input-type=module', '--input-type=commonjs'])('at the top of a program, %s', async (type) => {
    const program = "import('./dist/fork/active.js').then(({ activeThings }) => console.log(activeThings()))";
    expect((await runStdin(program, { flags: [type] })).stdout).toBe('[]\n');
  });
});

describe('found', () => {
  test.each(
    Object.entries({
      'a server': ["require('node:net').createServer().listen(0, show)", 'server [::]:N'],
      'a server that does not keep the process alive': [
        "require('node:net').createServer().listen(0, show).unref()",
        'server [::]:N',
      ],
      'a server on bindSockets': [
        "const n = require('prefork/netutil'); n.addAcceptHandler(n.bindSockets(0, '::1')[0], () => {}); show()",
        'server [::N]:N',
      ],
      'a server on a Unix socket': [
        "require('node:net').createServer().listen('\\0prefork' + process.pid, show)",
        'server @preforkN',
      ],
      'a UDP socket': ["require('node:dgram').createSocket('udp4').bind(0, show)", 'socket UDP N.N.N.N:N'],
      'a file watcher': ["require('node:fs').watch('/tmp'); show()", 'file watcher /tmp'],
      'a file watcher that polls': [
        "require('node:fs').watchFile('/etc/hosts', () => {}); show()",
        'request (N of fs, dns, crypto, zlib or a native package)\nfile watcher /etc/hosts',
      ],
      'a worker': [
        "new (require('node:worker_threads').Worker)('0', { eval: true }); show()",
        'worker thread N',
      ],
      'a child process': [
        "const child = require('node:child_process').spawn('sleep', ['9'], { stdio: 'ignore' }); process.on('exit', () => child.kill()); child.on('spawn', show)",
        'child process sleep N (pid N)',
      ],
    }),
  )('%s', async (_name, [program = '', wanted]) => {
    expect(await shown(program)).toBe(wanted);
  });

  test('both ends of a connection, the idle one of an agent too', async () => {
    const program = `
      const http = require('node:http');
      const agent = new http.Agent({ keepAlive: true });
      const server = http.createServer((_, response) => response.end());
      server.listen(0, '127.0.0.1', () => {
        http.get({ agent, port: server.address().port, host: '127.0.0.1' }, (response) => {
          response.resume().on('end', () => setImmediate(show));
        });
      });`;
    expect((await shown(program)).split('\n').sort()).toEqual([
      'server N.N.N.N:N',
      'socket N.N.N.N:N -> N.N.N.N:N',
      'socket N.N.N.N:N -> N.N.N.N:N',
    ]);
  });

  test.each(
    Object.entries({
      fs: "require('node:fs').readFile('/etc/hosts', () => {})",
      'fs.promises': "require('node:fs/promises').readFile('/etc/hosts')",
      dns: "require('node:dns').lookup('localhost', () => {})",
      crypto: "require('node:crypto').pbkdf2('a', 'b', 1e6, 32, 'sha1', () => {})",
      zlib: "require('node:zlib').gzip('x', () => {})",
    }),
  )('a request of %s', async (_name, program) => {
    expect(await shown(`${program}; show()`)).toMatch(/^request /);
  });
});

test('with PREFORK_TRACE=1, where each was opened', async () => {
  const program = `
    const { createServer } = require('node:net');
    require('node:fs').watch('/tmp');
    new (require('node:worker_threads').Worker)('0', { eval: true });
    createServer().listen(0, show);`;
  const places = (await shown(program, { PREFORK_TRACE: '1' })).split('\n');
  // A program on standard input has no file to name; one in a file is in the test of forkProcesses.
  expect(places).toHaveLength(3);
});

test('with PREFORK_TRACE=1, what has been closed is forgotten, however much it was', async () => {
  const program = `
    require('prefork');
    const { once } = require('node:events');
    const { stat } = require('node:fs/promises');
    const { connect, createServer } = require('node:net');
    const { queryObjects } = require('node:v8');
    const { setImmediate } = require('node:timers/promises');

    const remembered = () => queryObjects(WeakRef, { format: 'count' });
    const server = createServer((socket) => socket.end()).listen(0);
    async function connectOnce() {
      await once(connect(server.address().port).resume(), 'close');
      await stat('/');
    }
    (async () => {
      await connectOnce();
      const before = remembered();
      for (let i = 0; i < 60; i++) await connectOnce();
      // Each of the 60 has opened five things and more.
      while (remembered() > before + 30) await setImmediate();
      console.log('forgotten');
      server.close();
    })();`;
  const { status, stdout } = await runStdin(program, { env: { PREFORK_TRACE: '1' } });
  expect({ status, stdout }).toEqual({ status: 0, stdout: 'forgotten\n' });
});
