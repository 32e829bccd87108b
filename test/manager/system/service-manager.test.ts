/** What a service manager tells prefork, and what prefork tells it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DEFAULTS } from '../../../lib/manager/settings';
import { heed, takeFromServiceManager } from '../../../lib/manager/system/service-manager';
import { COMMAND, folderWith, program } from '../../helpers/command';
import { get } from '../../helpers/manager';
import { PYTHON } from '../../helpers/oracle';
import { freePort } from '../../helpers/port';
import type { Program } from '../../helpers/run';

const NOTIFY = join(__dirname, '..', '..', 'fixtures', 'manager', 'system', 'notify_socket.py');
const ACTIVATE = '/usr/bin/systemd-socket-activate';

const SERVER = `
  const variables = Object.keys(process.env).filter((name) => /^(LISTEN|NOTIFY|WATCHDOG)_/.test(name));
  const server = require('node:http').createServer((_, response) => response.end(JSON.stringify(variables)));
  server.listen(0, '127.0.0.1');`;

type Message = Record<string, string>;

async function until(running: Program, matching: (message: Message) => boolean): Promise<Message> {
  for (;;) {
    const message = JSON.parse(await running.line()) as Message;
    if (message['foreign'] !== undefined) throw new Error(`not from the manager: ${JSON.stringify(message)}`);
    if (matching(message)) return message;
  }
}

async function start(args: string[], env: Record<string, string> = {}, abstract = false) {
  const folder = folderWith({ 'server.js': SERVER });
  const path = abstract ? `@prefork-test-${process.pid}-${freePort()}` : join(folder, 'notify');
  const command = [process.execPath, COMMAND, 'server.js', ...args];
  const running = program(PYTHON, [NOTIFY, path, ...command], { cwd: folder, env });
  const { pid } = await until(running, () => true);
  return { running, pid: Number(pid) };
}

test.each([false, true])(
  'It says that it is ready, replaces its workers, is ready again, and ends; with an abstract socket: %s.',
  async (abstract) => {
    const { running, pid } = await start(['-w', '2'], {}, abstract);
    const ready = await until(running, (message) => 'READY' in message);
    expect(ready).toMatchObject({ READY: '1', STATUS: '2 ready, 0 booting, 0 stopping' });

    const before = process.hrtime.bigint() / 1000n;
    process.kill(pid, 'SIGHUP');
    const reloading = await until(running, (message) => 'RELOADING' in message);
    const at = BigInt(reloading['MONOTONIC_USEC'] ?? '0');
    expect(at).toBeGreaterThanOrEqual(before);
    expect(at).toBeLessThanOrEqual(process.hrtime.bigint() / 1000n);
    expect(reloading['READY']).toBeUndefined();
    await until(running, (message) => message['READY'] === '1');

    process.kill(pid, 'SIGTERM');
    const stopping = await until(running, (message) => 'STOPPING' in message);
    expect(stopping).toMatchObject({ STOPPING: '1' });
    expect(await until(running, (message) => 'status' in message)).toEqual({ status: 0 });
  },
);

test('A program that takes over speaks from the same process: it reloads, and is ready again.', async () => {
  const { running, pid } = await start(['-w', '2'], { WATCHDOG_USEC: '600000000' });
  await until(running, (message) => 'READY' in message);
  process.kill(pid, 'SIGUSR2');
  const reloading = await until(running, (message) => 'RELOADING' in message);
  expect(reloading['MONOTONIC_USEC']).toMatch(/^\d+$/);
  await until(running, (message) => message['READY'] === '1');
  process.kill(pid, 'SIGTERM');
  await until(running, (message) => 'STOPPING' in message);
  expect(await until(running, (message) => 'status' in message)).toEqual({ status: 0 });
});

test('A watchdog gets two signs of life in its time, also when nothing happens.', async () => {
  // Before the first of them, which may be read later than it was given.
  const began = performance.now();
  const { running, pid } = await start(['-w', '1', '--hang-timeout', '0'], { WATCHDOG_USEC: '400000' });
  await until(running, (message) => 'READY' in message);
  for (let sign = 0; sign < 12; sign++) await until(running, (message) => message['WATCHDOG'] === '1');
  expect(performance.now() - began).toBeGreaterThan(11 * 200);
  process.kill(pid, 'SIGTERM');
  await until(running, (message) => 'status' in message);
});

test('A service manager that has gone keeps nobody from working.', async () => {
  const folder = folderWith({ 'server.js': SERVER });
  const port = freePort();
  const args = [COMMAND, 'server.js', '-w', '1', '--bind', `127.0.0.1:${port}`];
  const running = program(process.execPath, args, {
    cwd: folder,
    env: { NOTIFY_SOCKET: join(folder, 'none') },
  });
  const answer = async () => {
    for (;;) {
      const text = await get({ port }).catch(() => undefined);
      if (text !== undefined) return text;
    }
  };
  expect(JSON.parse(await answer())).toEqual([]);
  running.kill('SIGTERM');
  expect((await running.result).status).toBe(0);
});

test('All of it is taken out of the environment; what is meant for another process is not heeded.', () => {
  const told = (pid: number) => ({
    LISTEN_PID: String(pid),
    LISTEN_FDS: '1',
    LISTEN_FDNAMES: 'x',
    NOTIFY_SOCKET: '@there',
    WATCHDOG_PID: String(pid),
    WATCHDOG_USEC: '3000000',
    OTHER: 'kept',
  });
  const environment: NodeJS.ProcessEnv = told(process.pid + 1);
  const { sockets, notify } = takeFromServiceManager(environment);
  expect(environment).toEqual({ OTHER: 'kept' });
  expect(sockets).toEqual([]);
  expect(notify).toEqual({ socket: '\0there', watchdog: null });
  const mine = takeFromServiceManager({ ...told(process.pid), LISTEN_FDS: '0' });
  expect(mine.notify).toEqual({ socket: '\0there', watchdog: 3000 });
  expect(takeFromServiceManager({ NOTIFY_SOCKET: 'vsock:2:1' }).notify).toBeNull();
});

test.each(['', '0', '-1', '1.5', '0x3', '1e9', 'Infinity', 'three', '4294967296'])(
  'LISTEN_FDS=%s is no number of sockets that anybody hands over: there are none.',
  (LISTEN_FDS) => {
    const { descriptors, sockets } = takeFromServiceManager({ LISTEN_PID: String(process.pid), LISTEN_FDS });
    expect({ descriptors, sockets }).toEqual({ descriptors: [], sockets: [] });
  },
);

test('What is asked for wins over what was handed over, which can be asked for by name.', () => {
  const sockets = [
    { kind: 'fd' as const, fd: 3, name: 'http' },
    { kind: 'fd' as const, fd: 4, name: 'admin' },
    { kind: 'fd' as const, fd: 5, name: 'http' },
  ];
  const manager = { sockets, notify: null };
  const asked = { kind: 'tcp' as const, host: null, port: 80 };
  const numbers = sockets.map(({ kind, fd }) => ({ kind, fd }));
  expect(heed(manager, DEFAULTS).bind).toEqual(numbers);
  expect(heed(manager, { ...DEFAULTS, bind: [asked] }).bind).toEqual([asked]);
  const named = (name: string) => ({ ...DEFAULTS, bind: [{ kind: 'fd' as const, fd: -1, name }] });
  expect(heed(manager, named('http')).bind).toEqual([numbers[0], numbers[2]]);
  expect(() => heed(manager, named('other'))).toThrow(/\(http, admin, http\) for bind but received fd:other/);
});

describe.skipIf(!existsSync(ACTIVATE))('Under systemd-socket-activate', () => {
  async function activate(args: string[], ports: number[], names: string): Promise<Program> {
    const folder = folderWith({ 'server.js': SERVER });
    const listen = ports.flatMap((port) => ['-l', `127.0.0.1:${port}`]);
    const command = [
      ...listen,
      `--fdname=${names}`,
      process.execPath,
      COMMAND,
      'server.js',
      '-w',
      '1',
      ...args,
    ];
    return program(ACTIVATE, command, { cwd: folder });
  }

  test('it serves the sockets that were opened for it, and its workers know nothing of them.', async () => {
    const ports = [freePort(), freePort()];
    const running = await activate([], ports, 'http:admin');
    for (const port of ports) expect(JSON.parse(await asked(port))).toEqual([]);
    running.kill('SIGTERM');
    expect((await running.result).status).toBe(0);
  });

  test('a program that takes over finds them, by name too.', async () => {
    const [http = 0, admin = 0] = [freePort(), freePort()];
    const running = await activate(['--bind', 'fd:admin'], [http, admin], 'http:admin');
    expect(JSON.parse(await asked(admin))).toEqual([]);
    running.kill('SIGUSR2');
    await running.until(/Every worker has been replaced/);
    expect(JSON.parse(await asked(admin))).toEqual([]);
    running.kill('SIGTERM');
    expect((await running.result).status).toBe(0);
  });

  test('--bind takes one of them by name, and --bind of another address wins.', async () => {
    const [http = 0, admin = 0, other = 0] = [freePort(), freePort(), freePort()];
    const one = await activate(['--bind', 'fd:admin'], [http, admin], 'http:admin');
    const first = waitsAt(http);
    expect(JSON.parse(await asked(admin))).toEqual([]);
    one.kill('SIGTERM');
    expect((await one.result).status).toBe(0);
    expect(await first).toBe('ECONNRESET');
    const two = await activate(['--bind', `127.0.0.1:${other}`], [http], 'http');
    const second = waitsAt(http);
    expect(JSON.parse(await asked(other))).toEqual([]);
    two.kill('SIGTERM');
    expect((await two.result).status).toBe(0);
    expect(await second).toBe('ECONNRESET');
  });
});

async function asked(port: number): Promise<string> {
  for (;;) {
    const answer = await get({ port }).catch(() => undefined);
    if (answer !== undefined) return answer;
  }
}

/** A client that starts it, and waits in a queue that nobody serves, to the end. */
async function waitsAt(port: number): Promise<string> {
  for (;;) {
    const code = await get({ port }).catch((error: NodeJS.ErrnoException) => error.code ?? '');
    if (code !== 'ECONNREFUSED') return code;
  }
}
