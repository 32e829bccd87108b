/** The porting guide shows the example as it is. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { HTTPServer } from '../../lib/httpserver';
import * as log from '../../lib/log';
import * as netutil from '../../lib/netutil';
import * as os from '../../lib/os';
import * as processes from '../../lib/process';
import { program } from '../helpers/command';
import { oracleVersion, PYTHON, play } from '../helpers/oracle';
import type { Program } from '../helpers/run';
import { ROOT } from '../helpers/stdin';

const read = (...path: string[]) => readFileSync(join(ROOT, ...path), 'utf8');

test.each([
  ['python', 'hello.py'],
  ['js', 'hello.mjs'],
])('docs/porting-from-tornado.md, %s', (language, file) => {
  const [table = ''] = /<table>[\s\S]*<\/table>/.exec(read('docs', 'porting-from-tornado.md')) ?? [];
  const blocks = [...table.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))];
  const shown = blocks.map(([, code]) => code).join('');
  const squeeze = (text: string) => text.replace(/\n+/g, '\n').trim();
  // Without its first line, which says what it is.
  const program = read('examples', 'tornado', file).split('\n').slice(1).join('\n');
  expect(squeeze(shown)).toBe(squeeze(program));
});

const PAGE = read('docs', 'porting-from-tornado.md');

/** The rows of a table of the page, each as its cells. */
function table(name: string): string[][] {
  const [, text = ''] = new RegExp(`<!-- begin ${name} -->([\\s\\S]*?)<!-- end ${name} -->`).exec(PAGE) ?? [];
  const rows = text.split('\n').filter((line) => line.startsWith('| '));
  return rows.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const quoted = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);

describe('The table of Python names', () => {
  const rows = table('names');

  test('names what prefork/os exports, and all of its functions that Python has', () => {
    const named = rows.flatMap(([, here]) => quoted(here));
    expect(named.filter((name) => !(name in os))).toEqual([]);
    const inPython = (name: string) =>
      /^[a-z_]/.test(name) && !/^(waitpidAsync|forkSync|forkWhenIdle)$/.test(name);
    expect(Object.keys(os).filter((name) => inPython(name) && !named.includes(name))).toEqual([]);
  });

  test('names what Python has', () => {
    const names = rows.flatMap(([python]) => quoted(python)).filter((name) => /^\w+\.\w+$/.test(name));
    const program = `import fcntl, os, signal, socket, time\n${names.join('\n')}`;
    expect(names.length).toBeGreaterThan(35);
    expect(spawnSync(PYTHON, ['-c', program], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  });
});

test('What the page calls absent is absent in camelCase, too.', () => {
  const all = { ...log, ...netutil, ...os, ...processes };
  const camel = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  const absent = [
    'Resolver',
    'ssl_options_to_context',
    'ssl_wrap_socket',
    'LogFormatter',
    'define_logging_options',
    'add_reload_hook',
  ];
  const page = table('absent').flatMap(([tornado]) => quoted(tornado));
  expect(absent.filter((name) => !page.includes(name))).toEqual([]);
  expect(absent.filter((name) => camel(name) in all)).toEqual([]);
});

const BODY = 'Content-Length: 1\r\n';
const REQUESTS: Record<string, string> = {
  'HTTP/1.1 without Host': 'GET / HTTP/1.1\r\n\r\n',
  'a method in lower case': 'get / HTTP/1.1\r\nHost: x\r\n\r\n',
  'lines that end in LF only': 'GET / HTTP/1.1\nHost: x\n\n',
  'a header on two lines': 'GET / HTTP/1.1\r\nHost: x\r\nX-Long: a\r\n b\r\n\r\n',
  'two equal Content-Lengths': `POST / HTTP/1.1\r\nHost: x\r\n${BODY}${BODY}\r\na`,
  'a Content-Length below 0': 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n',
  'an Expect that nobody knows': 'GET / HTTP/1.1\r\nHost: x\r\nExpect: foo\r\n\r\n',
  CONNECT: 'CONNECT / HTTP/1.1\r\nHost: x\r\n\r\n',
  'an empty line before it': '\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n',
  'two empty lines before it': '\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n',
};

/** The status of the answer, `none` if the connection is closed without one. */
function statusFor(port: number, request: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    socket.once('data', (data) => {
      resolve(String(data).split(' ')[1] ?? '');
      socket.destroy();
    });
    socket.on('error', () => {}); // reset: as good as an end
    socket.on('close', () => resolve('none'));
  });
}

test.skipIf(oracleVersion() === null)(
  'What Node refuses, Tornado takes, and the other way round, as the page says.',
  { timeout: 60_000 },
  async () => {
    const rows = table('requests');
    const answers = async (half: 'python' | 'node') => {
      const drive = async (running: Program) => {
        await running.until(/ready\n/);
        const [port = 0] = running.numbers('port');
        const seen = [];
        for (const [name = ''] of rows) seen.push(await statusFor(port, REQUESTS[name] ?? ''));
        running.kill('SIGKILL', -running.pid);
        return seen.join(' ');
      };
      return (await play(half, { name: half, program: 'errors', args: ['plain', 'default'], drive })).seen;
    };
    expect(rows.map(([name]) => name)).toEqual(Object.keys(REQUESTS));
    expect(await answers('python')).toBe(rows.map(([, tornado]) => tornado).join(' '));
    expect(await answers('node')).toBe(rows.map(([, , here]) => here).join(' '));
  },
);

describe('What the page says of servers', () => {
  /** A server on a free port, and what it logs. */
  function start(): { server: HTTPServer; port: number; logged: unknown[] } {
    const logged: unknown[] = [];
    log.setLogger((record) => logged.push(record));
    const server = new HTTPServer((_, response) => response.end('answer'));
    const [socket] = netutil.bindSockets(0, '127.0.0.1') as [netutil.ListeningSocket];
    server.addSockets([socket]);
    onTestFinished(async () => {
      server.stop();
      await server.closeAllConnections();
      log.setLogger(null);
    });
    return { server, port: (socket.address() as { port: number }).port, logged };
  }

  test('A connection that stays is announced: Keep-Alive: timeout=3600.', async () => {
    const { port } = start();
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const [response] = (await once(get({ port, agent }), 'response')) as [IncomingMessage];
    expect(await text(response)).toBe('answer');
    expect(response.headers['keep-alive']).toBe('timeout=3600');
  });

  test('What is malformed is answered by Node, and not logged.', async () => {
    const { port, logged } = start();
    const client = connect(port, '127.0.0.1').end('nonsense\r\n\r\n');
    expect(await text(client)).toBe('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    expect(logged).toEqual([]);
  });

  test('A listener of clientError sees it instead.', async () => {
    const { server, port } = start();
    const seen = once(server.nodeServer, 'clientError');
    connect(port, '127.0.0.1').end('nonsense\r\n\r\n');
    const [error, socket] = await seen;
    expect(error.code).toMatch(/^HPE_/);
    socket.destroy();
  });

  test('A socket that nobody refers to stays open.', async () => {
    const source = `
      const { bindSockets } = require(${JSON.stringify(ROOT)});
      const port = bindSockets(0, '127.0.0.1')[0].address().port;
      setImmediate(() => {
        gc();
        require('node:net').connect(port, '127.0.0.1', () => {
          console.log('connected');
          process.exit();
        });
      });`;
    const { result } = program(process.execPath, ['--expose-gc', '-e', source], {});
    expect(await result).toMatchObject({ status: 0, stdout: 'connected\n' });
  });
});
