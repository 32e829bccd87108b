/** The same small programs in Tornado and in this port, as far as they are about sockets and servers. */
import { spawnSync } from 'node:child_process';
import { get } from 'node:http';
import { join } from 'node:path';
import { cpuCount } from '../../lib/process';
import { PYTHON, type Scenario } from '../helpers/oracle';
import { freePort } from '../helpers/port';
import type { Program } from '../helpers/run';
import { compare } from './compare';

// --- Sockets ---

const BIND_ERRORS = {
  'port in use': 'EADDRINUSE',
  'port in use, IPv6': 'EADDRINUSE',
  'port in use on one of two families': 'EADDRINUSE',
  'port in use with reuse_port by one only': 'EADDRINUSE',
  'address of another machine': 'EADDRNOTAVAIL',
  'address of another machine, IPv6': 'EADDRNOTAVAIL',
  'link-local address without a scope': 'EINVAL',
  'unknown host': 'ENOTFOUND',
  'no host name at all': 'ENOTFOUND',
  'address of the other family': 'EAI_ADDRFAMILY',
  'address of the other family, IPv6': 'EAI_ADDRFAMILY',
  'host name where only numbers may be': 'ENOTFOUND',
};

const LISTENING = [
  'port 0 on two families',
  'empty address',
  'localhost',
  '127.0.0.1',
  '::1',
  '127.1',
  'IPv4 only',
  'IPv6 only',
  'backlog 5',
  'reuse_port',
  'no flags',
];

const sockets: Scenario[] = [
  ...Object.entries(BIND_ERRORS).map(([name, code]) => ({
    name,
    program: 'bind_errors',
    args: [name],
    says: { stdout: code },
  })),
  // Python's own errors come before the system's; here every port and name is judged in the same way.
  {
    name: 'port below zero',
    program: 'bind_errors',
    args: ['port below zero'],
    says: { stdout: 'EAI_SERVICE' },
    instead: { stdout: 'RangeError' },
  },
  {
    name: 'port beyond 65535',
    program: 'bind_errors',
    args: ['port beyond 65535'],
    says: { stdout: '2 sockets' },
    instead: { stdout: 'RangeError' },
  },
  {
    name: 'label too long',
    program: 'bind_errors',
    args: ['label too long'],
    says: { stdout: 'UnicodeError' },
    instead: { stdout: 'ENOTFOUND' },
  },
  ...LISTENING.map((name) => ({
    name: `${name}: getsockopt and ss`,
    program: 'listening',
    args: [name],
    drive: inspectSockets,
    says: { stdout: /1 port\nready$/, seen: /SO_REUSEADDR=1.*O_NONBLOCK=1 FD_CLOEXEC=1\nss LISTEN/ },
  })),
];

async function inspectSockets(running: Program): Promise<string> {
  await running.until(/ready\n/);
  const script = join(__dirname, 'oracle', 'inspect_sockets.py');
  const { stdout, stderr } = spawnSync(PYTHON, [script, String(running.pid)], { encoding: 'utf8' });
  return stdout + stderr;
}

const UNIX_SOCKETS = {
  fresh: /^listening True 600\nconnected\nready$/,
  stale: /^listening True 600\nconnected/,
  served: /^listening True 600\nconnected/,
  foreign: /^File socket exists and is not a socket/,
  directory: /^File socket exists and is not a socket/,
  link: /^Address already in use/,
  'missing directory': /^No such file or directory/,
  'too long': /^Path too long/,
};

const unixSockets: Scenario[] = [
  ...Object.entries(UNIX_SOCKETS).map(([what, stdout]) => ({
    name: what,
    program: 'unix_socket',
    args: [what, 'default'],
    says: { stdout },
  })),
  ...['666', '000', '770'].map((mode) => ({
    name: `mode ${mode}`,
    program: 'unix_socket',
    args: ['fresh', mode],
    says: { stdout: /^listening True/ },
  })),
  {
    name: 'getsockopt',
    program: 'unix_socket',
    args: ['fresh', 'default'],
    drive: inspectSockets,
    says: { seen: /^AF_UNIX .*SO_REUSEADDR=1/ },
  },
  {
    // Tornado 6.2 refuses abstract names, newer versions take them.
    name: 'abstract',
    program: 'unix_socket',
    args: ['abstract', 'default'],
    instead: { stdout: 'listening 0\nconnected\nready' },
  },
];

// --- Servers ---

/** The body, or `failed` if the server's end of the connection vanished. */
function fetchText(port: number | undefined, path: string): Promise<string> {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve(`${response.statusCode} ${body}\n`));
    });
    request.on('error', () => resolve('failed\n'));
  });
}

const PATTERNS = ['add_sockets', 'start'];

/** The answer to the request that ends the program: it may come before or after that end. */
let lastAnswer: Promise<string> | undefined;
const lastWords = async (): Promise<string> => (await lastAnswer) ?? '';

const servers: Scenario[] = [
  ...PATTERNS.map((pattern) => ({
    name: `${pattern}: restarted until it ends well`,
    program: 'serve',
    args: [pattern, '1', '127.0.0.1', String(freePort())],
    async drive(running: Program) {
      await running.until(/port=\d+\n/);
      const [port] = running.numbers('port');
      let seen = '';
      // With one process start() does not fork, and add_sockets has one child.
      const paths = pattern === 'start' ? [] : ['/', '/?exit=3', '/', '/?signal=9', '/'];
      for (const path of paths) seen += await fetchText(port, path);
      lastAnswer = fetchText(port, pattern === 'start' ? '/?exit=3' : '/?exit=0');
      return seen;
    },
    afterwards: lastWords,
  })),
  ...PATTERNS.map((pattern) => ({
    name: `${pattern}: two workers`,
    program: 'serve',
    args: [pattern, '2', '127.0.0.1', String(freePort())],
    sorted: true, // of two that have ended before the parent looks, it finds the older one first
    anonymous: true,
    async drive(running: Program) {
      await running.until(/port=\d+\n/);
      const [port] = running.numbers('port');
      let seen = '';
      for (const path of ['/', '/?exit=7', '/', '/?exit=0', '/']) {
        seen += await fetchText(port, path);
      }
      lastAnswer = fetchText(port, '/?exit=0');
      return seen.replace(/from [01]/g, 'from N');
    },
    afterwards: lastWords,
    says: { end: 'status 0', survivors: 0, seen: /^200 hello from N\nfailed\n200 hello/ },
  })),
  ...PATTERNS.map((pattern) => ({
    name: `${pattern}: the parent is killed, and the children serve on`,
    program: 'serve',
    args: [pattern, '2', '127.0.0.1', String(freePort())],
    async drive(running: Program) {
      await running.until(/ready\n/, 2);
      running.kill('SIGKILL');
    },
    async afterwards(running: Program) {
      const text = await fetchText(running.numbers('port')[0], '/');
      return text.replace(/from [01]/g, 'from N');
    },
    says: { end: 'SIGKILL', survivors: 2, seen: '200 hello from N' },
  })),
];

const TCP = {
  hello: { stdout: "from 127.0.0.1\nread 'hello'", end: 'status 0' },
  'hello on localhost': { stdout: /read 'hello'/ },
  'hello on two families': { stdout: "from 127.0.0.1\nread 'hello'\nfrom ::1\nread 'hello'" },
  'error in handle_stream': { stderr: 'ERROR:tornado.application:Error in connection callback\nerror: oops' },
  'error in a coroutine': { stderr: 'ERROR:tornado.application:Exception in callback\nerror: oops' },
  'handle_stream not overridden': { stderr: /error: not implemented/ },
  'bind after start': { stdout: '1 served' },
  'stop frees the port': { stdout: 'free' },
  'stop twice': { stdout: 'stopped' },
  'start twice': { stdout: 'AssertionError' },
  'ssl without certfile': { stdout: 'missing key "certfile" in ssl_options' },
  'ssl with nothing': { stdout: 'missing key "certfile" in ssl_options' },
  'ssl with a missing certfile': { stdout: 'certfile "/missing.crt" does not exist' },
  'ssl with a missing keyfile': { stdout: 'keyfile "/missing.key" does not exist' },
};

const tcp: Scenario[] = Object.entries(TCP).map(([name, says]) => ({
  name,
  program: 'tcp',
  args: [name],
  says,
}));

// --- The example ---

/** For both halves, which run one after the other. */
const port = String(freePort());

const example: Scenario[] = [
  {
    name: 'examples/tornado/hello: a worker dies, then all are asked to end',
    program: '../../../examples/tornado/hello',
    env: { PORT: port },
    sorted: true,
    anonymous: true,
    async drive(running) {
      const workers = cpuCount();
      await running.until(/worker \d+ listens\n/, workers);
      let seen = '';
      for (const path of ['/en', '/de', '/nowhere']) seen += await fetchText(Number(port), path);
      const [victim = 0] = running.children();
      running.kill('SIGKILL', victim);
      await running.until(/worker \d+ listens\n/, workers + 1);
      seen += await fetchText(Number(port), '/en');
      for (const worker of running.children()) running.kill('SIGTERM', worker);
      return seen.replace(/worker \d+/g, 'worker N');
    },
    says: { end: 'status 0', survivors: 0, seen: /^200 Hello from worker N to 127\.0\.0\.1\n/ },
  },
];

compare({ example, sockets, unixSockets, servers, tcp });
