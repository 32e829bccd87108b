/** The example of jobs in children, with a real BullMQ on a real Redis: each job settles, whatever its code does. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Queue, QueueEvents } from 'bullmq';
import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { Program, start } from '../helpers/run';

const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

/** The path of its socket. */
async function startRedis(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-redis-'));
  const socket = join(folder, 'redis');
  const program = new Program('redis-server', [
    ...['--port', '0', '--unixsocket', socket, '--dir', folder],
    ...['--save', '', '--daemonize', 'no'],
  ]);
  onTestFinished(() => {
    program.killGroup();
    rmSync(folder, { recursive: true, force: true });
  });
  await program.until(/ready to accept connections/);
  return socket;
}

test.skipIf(!hasRedis)(
  'A job in a child has its result; one that throws, crashes or never ends has failed, and the others go on.',
  async () => {
    const socket = await startRedis();
    const program = start('../../examples/jobs.mjs', { args: [socket] });
    expect(await program.line()).toBe('ready');
    const connect = () => new Redis(socket, { maxRetriesPerRequest: null });
    const connections = [connect(), connect()] as const;
    const queue = new Queue('jobs', { connection: connections[0] });
    const events = new QueueEvents('jobs', { connection: connections[1] });
    await events.waitUntilReady();
    const result = async (name: string, data: object) =>
      (await queue.add(name, data)).waitUntilFinished(events).catch((error: Error) => error.message);

    const results = await Promise.all([
      result('hang', { timeout: 200 }),
      result('crash', {}),
      result('fail', { why: 'too much' }),
      result('sum', { from: 1, to: 3 }),
      result('nobody', {}),
    ]);
    expect(results).toEqual([
      expect.stringContaining('was not done after 200 ms'),
      expect.stringContaining('was killed by SIGABRT'),
      'too much',
      14,
      'There is no handler for nobody',
    ]);
    expect(await result('sum', { from: 999_999, to: 999_999 })).toBe(999_999 ** 2);

    await Promise.all([queue.close(), events.close()]);
    for (const connection of connections) connection.disconnect();
    program.kill('SIGTERM');
    expect(await program.exit(), program.stderr).toBe('status 0');
  },
);
