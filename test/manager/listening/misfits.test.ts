/** Whatever an application does to listen, it serves as without prefork, or is told why it cannot and what to do. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { folderWith } from '../../helpers/command';
import { get, Managed } from '../../helpers/manager';
import { freePort } from '../../helpers/port';

/** A port that is in use. */
async function taken(): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => {}));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as { port: number }).port;
}

describe('an application that', () => {
  const misfit = (name: string, settings = {}, env = {}) =>
    new Managed('misfits.js', settings, { env: { MISFIT: name, ...env } });

  test.each([
    ['never listens', /misfits\.js ended without listening, so no worker was started\..* --bind/],
    ['never listens, but goes on', /misfits\.js did not listen within 2 s/],
    ['throws while loading', /misfits\.js ended with status 1 before it listened/],
    ['uses cluster', /misfits\.js ended with status 1 before it listened/],
    [
      'crashes before it is ready',
      /No worker became ready: worker \d \(pid \d+\) exited with status 1 before/,
    ],
  ])('%s ends with status 1 and a message.', async (name, message) => {
    // All of them end by themselves, but for one.
    const settings = name === 'never listens, but goes on' ? { bootTimeout: 2_000 } : {};
    const { status, entries } = await misfit(name, settings).end();
    expect(status).toBe(1);
    expect(entries.at(-1)?.message).toMatch(message);
  });

  test('asks for a port in use, or opens connections first, ends with status 1 and a message.', async () => {
    const TAKEN = String(await taken());
    const inUse = await misfit('port in use', {}, { TAKEN }).end();
    expect(inUse.status).toBe(1);
    expect(inUse.entries.at(-1)?.message).toMatch(
      /^Cannot listen on 127\.0\.0\.1:\d+: the port is in use: stop the/,
    );
    const connected = await misfit('opens a connection first', { preload: 'yes' }, { TAKEN }).end();
    expect(connected.status).toBe(1);
    expect(connected.entries.at(-1)?.message).toMatch(
      /opened connections before .*\n {2}- socket 127\.0\.0\.1:\d+ -> 127\.0\.0\.1:\d+\nOpen them in each worker/,
    );
  });

  test('tries another port when its own is in use may do so.', async () => {
    const managed = misfit('tries another port', {}, { TAKEN: String(await taken()) });
    expect(await managed.until('error')).toMatchObject({ code: 'EADDRINUSE' });
    await managed.until('workers_ready');
    await managed.stop();
  });

  test('listens for errors only when listen has returned hears of them all the same.', async () => {
    const env = { TAKEN: String(await taken()) };
    const managed = misfit('listens for errors only when listen has returned', { workers: 1 }, env);
    expect(await managed.until('error')).toMatchObject({ code: 'EADDRINUSE' });
    await managed.until('other');
    await managed.until('workers_ready');
    const { status, entries } = await managed.stop();
    expect(status).toBe(0);
    expect(entries.filter(({ event }) => event === 'error')).toHaveLength(1);
  });

  test('closes its server and listens on the same port again may do so.', async () => {
    const managed = misfit(
      'closes its server and listens again',
      { workers: 2 },
      { SECOND: String(freePort()) },
    );
    await managed.until('serving');
    await managed.until('serving');
    expect(await get({ port: managed.port })).toMatch(/^\d+$/);
    managed.signal('SIGHUP');
    await managed.until('replaced_all');
    expect(await get({ port: managed.port })).toMatch(/^\d+$/);
    const { status, entries } = await managed.stop();
    expect(status).toBe(0);
    expect(entries.map(({ event }) => event)).not.toContain('worker_crashed');
  });

  test('wants short queues has them as short as it says.', async () => {
    const SECOND = String(freePort());
    const managed = misfit('wants short queues', { workers: 1 }, { SECOND });
    await managed.until('workers_ready');
    const listening = execFileSync('ss', ['-Hltn', `sport = :${SECOND}`], { encoding: 'utf8' });
    expect(listening).toMatch(/^LISTEN +0 +9 /);
    await managed.stop();
  });

  test('listens on several addresses has all of them bound by the parent, and served by all workers.', async () => {
    const SECOND = String(freePort());
    const SOCKET = join(folderWith({}), 'socket');
    const managed = misfit('listens twice', { workers: 3 }, { SECOND, SOCKET });
    await managed.until('workers_ready');
    const port = Number(SECOND);
    const ways = [
      ['first', { port }],
      ['nested', { port, host: '127.0.0.2' }],
      ['path', { socketPath: SOCKET }],
    ] as const;
    for (const [name, where] of ways) {
      const [said = '', pid = ''] = (await get(where)).split(' ');
      expect(said).toBe(name);
      // It is killed, and what waits at that address is not lost.
      process.kill(Number(pid), 'SIGKILL');
      await managed.until('worker_killed');
      const answers = await Promise.all(Array.from({ length: 20 }, () => get(where)));
      expect(answers.filter((answer) => !answer.startsWith(`${name} `))).toEqual([]);
    }
    const { status, entries } = await managed.stop();
    expect(status).toBe(0);
    expect(entries.filter(({ event }) => event === 'listening_started')).toHaveLength(3);
    expect(entries.filter(({ event }) => /crash|late/.test(event))).toEqual([]);
    expect(existsSync(SOCKET)).toBe(false);
  });

  test('listens where it cannot is told so like without prefork, and may go on.', async () => {
    const SECOND = String(freePort());
    const heedless = await misfit('listens twice on one port', {}, { SECOND }).end();
    expect(heedless.status).toBe(1);
    expect(heedless.stderr).toMatch(/EADDRINUSE/);
    expect(heedless.entries.find(({ event }) => event === 'listen_failed')?.message).toMatch(
      /^Cannot listen on 127\.0\.0\.1:\d+: the port is in use/,
    );
    const heedful = misfit('listens twice on one port', {}, { SECOND, LISTENS_FOR_ERRORS: '1' });
    expect((await heedful.until('error'))['code']).toBe('EADDRINUSE');
    await heedful.until('workers_ready');
    expect((await heedful.stop()).status).toBe(0);
  });

  test('listens once more when it serves already has that bound for all by the manager, too.', async () => {
    const SECOND = String(freePort());
    const port = Number(SECOND);
    const managed = misfit('listens late', { workers: 2 }, { SECOND });
    await managed.until('workers_ready');
    const late = { port, host: '127.0.0.2' };
    await get({ port });
    expect((await managed.until('listening_started')).message).toMatch(/^Listening on 127\.0\.0\.2:\d+, too/);
    const first = await get(late);
    // The other worker has the same address, and what waits there when one goes is not lost.
    while ((await get(late)) === first) await get({ port });
    process.kill(Number(first), 'SIGKILL');
    const answers = await Promise.all(Array.from({ length: 20 }, () => get(late)));
    expect(answers).not.toContain(first);
    const { status, entries } = await managed.stop();
    expect(status).toBe(0);
    expect(entries.map(({ event }) => event)).not.toContain('listened_late');
  });

  test('listens on another address in each process comes to serve all the same.', async () => {
    const SECOND = String(freePort(16));
    const managed = misfit('listens on another port each time', { workers: 1 }, { SECOND });
    await managed.until('workers_ready');
    expect((await managed.stop()).status).toBe(0);
  });
});
