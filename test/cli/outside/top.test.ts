/** `prefork top` in a real terminal: it draws, sorts, follows the size, and gives the terminal back; into a pipe it writes pages. */

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { COMMAND, prefork, program } from '../../helpers/command';
import type { Program } from '../../helpers/run';
import { type Served, serve } from '../../helpers/served';

const APP = `
  require('node:http').createServer((request, response) => {
    if (request.url === '/block') for (;;);
    response.end(process.env.PREFORK_WORKER);
  }).listen(0, '127.0.0.1');`;

const PTY = join(__dirname, '..', '..', 'fixtures', 'cli', 'a_terminal.py');
const ENTER = '\x1b[?1049h';
const LEAVE = '\x1b[?1049l';
const ESCAPE = '\x1b';
const SEQUENCES = new RegExp(`${ESCAPE}\\[[\\d;]*[A-Za-z]`, 'g');

function start(workers: number, options: string[] = []): Promise<Served> {
  const until = new RegExp(`${workers} workers ready`);
  return serve(['app.js', '-w', String(workers), '--name', 'shop', ...options], {
    files: { 'app.js': APP },
    until,
  });
}

/** A terminal in which `prefork top` runs. */
class Terminal {
  readonly running: Program;

  constructor(
    { running, folder }: Served,
    options: { size?: [number, number]; env?: Record<string, string> } = {},
  ) {
    const { size = [24, 120], env = {} } = options;
    const command = [process.execPath, COMMAND, 'top', '--interval', '100ms', String(running.pid)];
    const line = [PTY, ...size.map(String), ...command];
    const environment = { TERM: 'xterm-256color', NO_COLOR: '', FORCE_COLOR: '', COLORTERM: '', ...env };
    this.running = program('python3', line, { cwd: folder, env: environment });
  }

  /** What stands on the screen: a page that is not complete yet is none. */
  get page(): string[] {
    const [, ...pages] = this.running.stdout.split('\x1b[H');
    const page = pages.filter((each) => each.includes('\x1b[J')).at(-1) ?? '';
    return page.slice(0, page.indexOf('\x1b[J')).replace(SEQUENCES, '').split(/\r*\n/);
  }

  async until(holds: (page: string[]) => boolean): Promise<string[]> {
    for (let pages = 1; ; pages++) {
      await this.running.until(/\[J/, pages);
      if (holds(this.page)) return this.page;
    }
  }

  key(text: string): void {
    this.running.stdin.write(`key ${text}\n`);
  }

  resize(rows: number, columns: number): void {
    this.running.stdin.write(`size ${rows} ${columns}\n`);
  }
}

const idsOn = (page: string[]) =>
  page.flatMap((line) => {
    const [, id] = /^ *(\d+) +\d+ {2}(?:ready|booting|stopping)/.exec(line) ?? [];
    return id === undefined ? [] : [Number(id)];
  });

test('It shows what status shows, until q; then the terminal is as before.', async () => {
  const served = await start(2);
  const terminal = new Terminal(served);
  const page = await terminal.until((each) => idsOn(each).length === 2);
  expect(page[0]).toBe(`shop  ${served.folder}/app.js`);
  expect(page[3]).toMatch(/^all: \d+ requests\/s, 0 connections, \d+ % of a processor, \S+ \w+ private$/);
  expect(page.at(-1)).toMatch(/^q quit {3}sorted by id/);
  terminal.key('q');
  expect(await terminal.running.exit()).toBe('status 0');
  const { stdout } = await terminal.running.result;
  expect(stdout.split(ENTER)).toHaveLength(2);
  expect(stdout.split(LEAVE).at(-1)?.trim()).toBe('');
  expect(await served.stop()).toBe('status 0');
});

test('Keys sort, and sort the other way when pressed again.', async () => {
  const served = await start(3);
  const terminal = new Terminal(served);
  await terminal.until((page) => idsOn(page).join() === '0,1,2');
  terminal.key('i');
  await terminal.until((page) => idsOn(page).join() === '2,1,0' && /by id, reversed/.test(page.at(-1) ?? ''));
  const answers = await Promise.all(Array.from({ length: 8 }, () => served.ask()));
  const count = (id: number) => answers.filter((answer) => answer === String(id)).length;
  const byRequests = [0, 1, 2].sort((one, other) => count(other) - count(one) || one - other);
  terminal.key('n');
  await terminal.until(
    (page) => idsOn(page).join() === byRequests.join() && /by requests/.test(page.at(-1) ?? ''),
  );
  terminal.key('q');
  expect(await terminal.running.exit()).toBe('status 0');
  expect(await served.stop()).toBe('status 0');
});

test('It follows the size of the terminal: lines are cut, workers scrolled.', async () => {
  const served = await start(6);
  const terminal = new Terminal(served, { size: [11, 60] });
  const page = await terminal.until((each) => idsOn(each).length > 0);
  expect(page.length).toBeLessThanOrEqual(11);
  expect(Math.max(...page.map((line) => line.length))).toBeLessThanOrEqual(60);
  expect(idsOn(page)).toEqual([0, 1, 2]);
  expect(page.at(-2)).toBe('3 more: up and down');
  terminal.key('\\x1b[B');
  await terminal.until((each) => idsOn(each).join() === '1,2,3');
  terminal.key('\\x1b[6~');
  await terminal.until((each) => idsOn(each).join() === '3,4,5');
  terminal.resize(30, 100);
  await terminal.until(
    (each) => idsOn(each).join() === '0,1,2,3,4,5' && each.some((line) => line.length > 60),
  );
  terminal.key('\\x03');
  expect(await terminal.running.exit()).toBe('status 130');
  expect(terminal.running.stdout).toContain(LEAVE);
  expect(await served.stop()).toBe('status 0');
});

test.each([
  ['red', {}, true],
  ['no colour with NO_COLOR', { NO_COLOR: '1' }, false],
])('A blocked worker is seen while it is blocked: %s.', async (_, env, isRed) => {
  const served = await start(2, ['--hang-timeout', '0']);
  const blocked = served.ask('/block').catch(() => 'cut');
  const terminal = new Terminal(served, { env });
  await terminal.until((page) => page.some((line) => / {2}blocked for \d+ s/.test(line)));
  expect(terminal.running.stdout.includes('\x1b[31m')).toBe(isRed);
  terminal.key('q');
  expect(await terminal.running.exit()).toBe('status 0');
  expect(await served.stop('SIGQUIT')).toBe('status 0');
  expect(await blocked).toBe('cut');
});

test('When the manager ends, it ends and says so; a signal gives the terminal back.', async () => {
  const served = await start(2);
  const [one, other] = [new Terminal(served), new Terminal(served)];
  for (const each of [one, other]) await each.until((page) => idsOn(page).length === 2);
  const [top = 0] = other.running.children();
  process.kill(top, 'SIGTERM');
  expect(await other.running.exit()).toBe('status 143');
  expect((await other.running.result).stdout.endsWith(LEAVE)).toBe(true);
  expect(await served.stop()).toBe('status 0');
  expect(await one.running.exit()).toBe('status 0');
  const { stdout } = await one.running.result;
  expect(stdout.slice(stdout.lastIndexOf(LEAVE) + LEAVE.length)).toBe(
    `Process ${served.running.pid} has ended\r\n`,
  );
});

test('Into a pipe: pages without colour, until nobody reads them.', async () => {
  const served = await start(2);
  const line = `"$0" "$@" | head -n 20; echo "status $?"`;
  const args = [
    '-c',
    line,
    process.execPath,
    COMMAND,
    'top',
    '--interval',
    '100ms',
    String(served.running.pid),
  ];
  const { stdout, stderr } = await program('sh', args, { env: { FORCE_COLOR: '' } }).result;
  expect(stderr).toBe('');
  expect(stdout).not.toContain('\x1b');
  expect(stdout.split('\n').filter((each) => each.startsWith('shop  '))).toHaveLength(3);
  expect(stdout).toMatch(/\nstatus 0\n$/);
  expect(await served.stop()).toBe('status 0');
});

test('A terminal that knows nothing gets pages, too.', async () => {
  const served = await start(2);
  const terminal = new Terminal(served, { env: { TERM: 'dumb' } });
  await terminal.running.until(/shop {2}/, 2);
  expect(terminal.running.stdout).not.toContain('\x1b');
  expect(await served.stop()).toBe('status 0');
  expect(await terminal.running.exit()).toBe('status 0');
});

test('An interval that is too short is a usage error.', async () => {
  const { status, stderr } = await prefork('/', ['top', '--interval', '10ms']).result;
  expect(status).toBe(2);
  expect(stderr).toMatch(/for --interval but received '10ms' \(ERR_PREFORK_OUT_OF_RANGE\)/);
});
