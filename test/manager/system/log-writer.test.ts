/** A manager whose log nobody reads goes on. */
import { closeSync, readFileSync, readSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { binding } from '../../../lib/base/binding';
import { pipe } from '../../../lib/os';
import { COMMAND, folderWith, program } from '../../helpers/command';
import { get } from '../../helpers/manager';
import { PYTHON } from '../../helpers/oracle';
import { freePort } from '../../helpers/port';
import type { Program } from '../../helpers/run';

const READER = join(__dirname, '..', '..', 'fixtures', 'manager', 'system', 'stalled_reader.py');

/** Each new worker has the manager log some 8 kB: why it cannot listen where the worker asks it to. */
const SERVER = `
  require('node:http').createServer((_, response) => response.end(String(process.pid))).listen(0, () => {
    const nowhere = '/' + process.pid + '.'.repeat(3900);
    require('node:net').createServer().on('error', () => {}).listen(nowhere);
  });`;

/** The lines about so many workers are more than the 64 KiB that the manager keeps for a reader. */
const MORE_THAN_KEPT = 30;

const OF_A_WORKER = ['worker_started', 'listen_failed', 'worker_killed'];

interface Stalled {
  running: Program;
  pid: number;
  port: number;
}

async function start(kind: string, args: string[]): Promise<Stalled> {
  const port = freePort();
  const folder = folderWith({ 'server.js': SERVER });
  const command = [process.execPath, COMMAND, 'server.js', '--bind', `127.0.0.1:${port}`, ...args];
  const running = program(PYTHON, [READER, kind, ...command], { cwd: folder });
  const pid = Number(await running.line());
  return { running, pid, port };
}

/** Kills one worker after the other; each time another one has to take its place. */
async function killWorkers({ port }: Stalled, count: number): Promise<void> {
  const seen = new Set<string>();
  while (seen.size <= count) {
    const worker = await get({ port }).catch(() => undefined);
    if (worker === undefined || seen.has(worker)) continue;
    seen.add(worker);
    if (seen.size <= count) process.kill(Number(worker), 'SIGKILL');
  }
}

test.each(['pipe', 'socket', 'terminal'])(
  'Nobody reads its log, a %s that is full: it replaces workers, and ends when it is told to.',
  async (kind) => {
    const stalled = await start(kind, ['-w', '1', '--log-format', 'json']);
    await killWorkers(stalled, 6);
    process.kill(stalled.pid, 'SIGTERM');
    stalled.running.stdin.end();
    expect((await stalled.running.result).stdout).toMatch(/^status 0$/m);
  },
);

test.each(['pipe', 'socket', 'terminal'])(
  'A reader of a %s that comes back is told how many lines it has missed, and then gets whole lines.',
  async (kind) => {
    const stalled = await start(kind, ['-w', '1', '--log-format', 'json']);
    await killWorkers(stalled, MORE_THAN_KEPT);
    stalled.running.stdin.write('read\n');
    onTestFinished(() => stalled.running.killGroup());
    await seen(stalled.running, /"log_lines_lost"/);
    await killWorkers(stalled, 2);
    process.kill(stalled.pid, 'SIGTERM');
    const { stdout } = await stalled.running.result;
    // The first one stands behind what the pipe was filled with.
    const lines = stdout.split('\n').flatMap((line) => /\{.*/.exec(line) ?? []);
    const entries = lines.map((line) => JSON.parse(line) as { event: string; message: string });
    const events = entries.map(({ event }) => event);
    expect(events[0]).toBe('listening_started');
    const lost = entries.filter(({ event }) => event === 'log_lines_lost');
    expect(lost).toHaveLength(1);
    const count = Number(/^(\d+) lines? of this log/.exec(lost[0]?.message ?? '')?.[1]);
    expect(count).toBeGreaterThan(0);
    // Of each worker three lines: it started, it cannot listen, it was killed. The last one ends as it is told to.
    const ofWorkers = events.filter((event) => OF_A_WORKER.includes(event)).length;
    expect(ofWorkers + count).toBe(3 * (MORE_THAN_KEPT + 2) + 2);
    expect(events.slice(-2)).toEqual(['shutdown_started', 'shutdown_finished']);
    expect(stdout).toMatch(/^status 0$/m);
  },
);

/** Reads on until a line says so. */
async function seen(running: Program, pattern: RegExp): Promise<void> {
  while (!pattern.test(await running.line()));
}

test('Output to a pipe that is full is refused at once, and the pipe, which others share, stays as it was.', () => {
  const [reader, writer] = pipe();
  onTestFinished(() => {
    closeSync(reader);
    closeSync(writer);
  });
  const flags = () => /^flags:.*$/m.exec(readFileSync(`/proc/self/fdinfo/${writer}`, 'latin1'))?.[0];
  const before = flags();
  const page = Buffer.alloc(4096, 'x');
  let written = 0;
  for (let result = 0; result >= 0; written += Math.max(0, result)) {
    result = binding.output_write_now(writer, page);
    if (result < 0) expect(result).toBe(-constants.errno.EAGAIN);
  }
  expect(written).toBe(64 * 1024);
  expect(flags()).toBe(before);
  expect(readSync(reader, page)).toBe(4096);
  expect(binding.output_write_now(writer, Buffer.from('a line\n'))).toBe(7);
});
