/** SIGUSR1 opens no inspector, whoever of the group it reaches, and when. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { COMMAND, folderWith, program } from '../../helpers/command';
import { launch } from '../../helpers/served';

/** Loads for as long as there is no file of that name: first without a turn of the loop, then with some. */
const SERVER = `
  const { existsSync, writeSync } = require('node:fs');
  const inspector = require('node:inspector');
  writeSync(1, 'loading\\n');
  while (!existsSync('go on'));
  writeSync(1, 'waiting\\n');
  const timer = setInterval(() => {
    if (!existsSync('listen')) return;
    clearInterval(timer);
    const server = require('node:http').createServer((_, response) => response.end(String(inspector.url())));
    server.once('request', () => writeSync(1, 'asked\\n'));
    server.listen(0, '127.0.0.1');
  }, 5);`;
const OPENED = /Debugger listening/;

test.each([
  ['prefork', ['server.js', '-w', '2'], {}],
  ['prefork --rehearse', ['server.js', '-w', '2', '--rehearse', '/'], {}],
  [
    'node --import prefork/auto',
    ['server.js'],
    { node: ['--import', join(COMMAND, '../../auto.mjs')], command: false },
  ],
])('%s: while it loads, rehearses, serves, is replaced and ends.', async (_, args, options) => {
  const served = launch(args, { files: { 'server.js': SERVER }, env: { PREFORK_WORKERS: '2' }, ...options });
  const signalAll = () => process.kill(-served.running.pid, 'SIGUSR1');
  await served.until(/loading/);
  signalAll();
  writeFileSync(join(served.folder, 'go on'), '');
  await served.until(/waiting/);
  signalAll();
  writeFileSync(join(served.folder, 'listen'), '');
  // Not in the instant in which the client of a rehearsal is forked: that one still belongs to the group, and would end.
  const rehearses = args.includes('--rehearse');
  if (rehearses) await served.until(/asked/);
  let flood = setInterval(signalAll, 2);
  onTestFinished(() => clearInterval(flood));
  await served.until(/workers? ready/);
  if (rehearses) clearInterval(flood);
  served.running.kill('SIGHUP');
  if (rehearses) {
    await served.until(/asked/, 2);
    flood = setInterval(signalAll, 2);
  }
  await served.until(/Every worker has been replaced/);
  clearInterval(flood);
  for (let request = 0; request < 4; request++) expect(await served.ask()).toBe('undefined');
  signalAll();
  expect(await served.stop()).toBe('status 0');
  expect(served.log).not.toMatch(OPENED);
});

test('prefork check opens none, either.', async () => {
  const served = launch(['check', 'server.js'], { files: { 'server.js': SERVER } });
  await served.until(/loading/);
  process.kill(-served.running.pid, 'SIGUSR1');
  writeFileSync(join(served.folder, 'go on'), '');
  writeFileSync(join(served.folder, 'listen'), '');
  expect(await served.running.exit()).toBe('status 0');
  expect(served.log).not.toMatch(OPENED);
});

test('One that a signal has opened before the command ran its first line is closed.', async () => {
  const early = `
    process.kill(process.pid, 'SIGUSR1');
    const end = Date.now() + 5000;
    while (require('node:inspector').url() === undefined && Date.now() < end);`;
  const app = "console.log(String(require('node:inspector').url())); process.exit(0);";
  const folder = folderWith({ 'early.js': early, 'app.js': app });
  const run = async (...options: string[]) => {
    const args = ['--require', './early.js', ...options, COMMAND, 'app.js'];
    return (await program(process.execPath, args, { cwd: folder }).result).stdout.trim();
  };
  expect(await run()).toBe('undefined');
});
