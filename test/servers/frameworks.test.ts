/** Frameworks from the registry, unmodified, served by forked workers in both of Tornado's patterns. */
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { freePort } from '../helpers/port';
import { Program } from '../helpers/run';
import { ROOT } from '../helpers/stdin';

const DEADLINE = 60_000; // ms

interface Sent {
  port: number;
  host?: string;
  path?: string;
  headers?: Record<string, string>;
  json?: unknown;
}

function send({ port, host = '127.0.0.1', path = '/', headers = {}, json }: Sent): Promise<string> {
  const method = json === undefined ? 'GET' : 'POST';
  const type: Record<string, string> = json === undefined ? {} : { 'Content-Type': 'application/json' };
  return new Promise((resolve, reject) => {
    const options = { host, port, path, method, agent: false as const, headers: { ...type, ...headers } };
    const request = httpRequest(options, (response) => text(response).then(resolve, reject));
    request.on('error', reject);
    request.end(json === undefined ? undefined : JSON.stringify(json));
  });
}

/** Runs the program, and takes it and all its workers down at the end, or at the deadline. */
async function withServer(
  args: string[],
  use: (running: Program, port: number) => Promise<void>,
): Promise<void> {
  const program = join(__dirname, '..', 'fixtures', 'servers', 'framework.mjs');
  const running = new Program(process.execPath, [program, ...args], {
    cwd: ROOT,
    clean: true,
    deadman: DEADLINE,
  });
  try {
    await running.until(/port=\d+\n/);
    const [port = 0] = running.numbers('port');
    await use(running, port);
  } catch (error) {
    throw new Error(`${String(error)}\n${running.stdout}\n${running.stderr}`, { cause: error });
  } finally {
    await running.sweep();
  }
}

const pidIn = (answer: string) => Number(/pid (\d+)/.exec(answer)?.[1]);

const FRAMEWORKS = ['plain', 'express', 'fastify', 'koa', 'hono'];
const PATTERNS = ['add_sockets', 'start'];

describe.each(FRAMEWORKS)('%s', { timeout: 90_000 }, (framework) => {
  test.each(PATTERNS)('%s', async (pattern) => {
    await withServer([framework, pattern, '2', String(freePort())], async (running, port) => {
      expect(await send({ port })).toMatch(/^hello from task [01] pid \d+ to 127\.0\.0\.1$/);
      expect(await send({ port, host: '::1' })).toMatch(/^hello from task [01] pid \d+ to ::1$/);
      const headers = { 'X-Real-Ip': '4.4.4.4' };
      expect(await send({ port, headers })).toMatch(/ to 4\.4\.4\.4$/);
      const json = { text: 'x'.repeat(50_000) };
      expect(JSON.parse(await send({ port, path: '/echo', json }))).toEqual(json);

      const killed = pidIn(await send({ port }));
      running.kill('SIGKILL', killed);
      await running.until(/killed by signal 9, restarting\n/);
      expect(pidIn(await send({ port }))).not.toBe(killed);
      expect(running.stderr).toMatch(
        new RegExp(`^child [01] \\(pid ${killed}\\) killed by signal 9, restarting\\n$`),
      );
    });
  });
});

test('workers killed at random under load: what waits in the queue is not lost', {
  timeout: 90_000,
}, async () => {
  const CLIENTS = 16;
  const KILLS = 12;
  await withServer(['plain', 'add_sockets', '4'], async (running, port) => {
    let answered = 0;
    let failed = 0;
    let kills = 0;
    const client = async () => {
      while (kills < KILLS) {
        try {
          const pid = pidIn(await send({ port }));
          answered += 1;
          // Now and then the process that answered dies.
          if (answered % 100 === 0) {
            running.kill('SIGKILL', pid);
            kills += 1;
          }
        } catch {
          failed += 1;
        }
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    await running.until(/killed by signal 9, restarting\n/, KILLS);
    expect(answered).toBeGreaterThanOrEqual(KILLS * 100);
    // At most what the killed ones had in hand; a lost queue would fail them all, again and again.
    expect(failed).toBeLessThanOrEqual(KILLS * CLIENTS);
    expect(running.stderr.match(/restarting\n/g)).toHaveLength(KILLS);
    for (let i = 0; i < 20; i++) await send({ port });
  });
});
