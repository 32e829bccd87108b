/** Signals of a terminal are no commands. */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { COMMAND, folderWith, program } from '../../helpers/command';
import { get } from '../../helpers/manager';
import { PYTHON } from '../../helpers/oracle';
import { freePort } from '../../helpers/port';
import type { Program } from '../../helpers/run';
import { ROOT } from '../../helpers/stdin';

const TERMINAL = join(__dirname, '..', '..', 'fixtures', 'manager', 'system', 'terminal.py');

const SERVER = `
  const { scoreboard } = require(${JSON.stringify(join(ROOT, 'dist'))});
  const server = require('node:http').createServer((_, response) => response.end(String(scoreboard().length)));
  server.listen(0, () => process.env.READS && process.stdin.resume());`;

interface Job {
  running: Program;
  port: number;
  pid: number;
}

async function job(mode: string, env: Record<string, string> = {}): Promise<Job> {
  const port = freePort();
  const folder = folderWith({ 'server.js': SERVER });
  const command = [process.execPath, COMMAND, 'server.js', '-w', '2', '--bind', `127.0.0.1:${port}`];
  const running = program(PYTHON, [TERMINAL, mode, ...command], { cwd: folder, env });
  const pid = Number((await running.line()).replace('pid ', ''));
  // It has a session of its own.
  onTestFinished(() => {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // ended
    }
  });
  return { running, port, pid };
}

async function untilThereAre(workers: string, port: number): Promise<void> {
  while ((await get({ port }).catch(() => '')) !== workers);
}

test.each(['foreground', 'background'])('A terminal that is closed ends it: %s.', async (mode) => {
  const { running, port } = await job(mode);
  await untilThereAre('2', port);
  running.stdin.write('hang up\n');
  expect(await running.line()).toBe('status 0');
  expect((await running.result).stderr).toMatch(/The terminal has been closed: ending as after SIGTERM/);
});

test('SIGHUP that somebody sends is a command, with a terminal, too.', async () => {
  const { running, port, pid } = await job('foreground');
  await untilThereAre('2', port);
  process.kill(pid, 'SIGHUP');
  process.kill(pid, 'SIGTTIN');
  await untilThereAre('3', port);
  process.kill(pid, 'SIGTERM');
  expect(await running.line()).toBe('status 0');
  const { stderr } = await running.result;
  expect(stderr).toMatch(/SIGHUP: /);
  expect(stderr).not.toMatch(/terminal/);
});

test('A job in the background that reads from the terminal is stopped as a whole, and goes on in the foreground.', async () => {
  const { running, port, pid } = await job('background', { READS: '1' });
  await untilThereAre('2', port);
  running.stdin.write('a line for whoever is in the foreground\n');
  expect(await running.line()).toBe('stopped');
  running.stdin.write('foreground\n');
  expect(await running.line()).toBe('continued');
  await untilThereAre('2', port);
  process.kill(pid, 'SIGTERM');
  expect(await running.line()).toBe('status 0');
});
