/** What docs/signals.md says of log files, of a real `prefork` that a shell has started as an operator would. */
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { COMMAND, folderWith, program } from '../helpers/command';
import { get } from '../helpers/manager';

/** It writes to standard output, and to a file of its own. */
const SERVER = `
  const { openSync, writeSync } = require('node:fs');
  let own;
  const open = () => { own = openSync('own.log', 'a'); };
  open();
  process.on('SIGUSR1', open);
  require('node:http').createServer((request, response) => {
    console.log('request ' + request.url);
    writeSync(own, 'request ' + request.url + '\\n');
    response.end();
  }).listen(0, '127.0.0.1');`;

test('SIGUSR1 after a rotation: parent and workers write to new files of the old names, the application, too.', async () => {
  const folder = folderWith({ 'server.js': SERVER });
  const command = `exec "${process.execPath}" "${COMMAND}" server.js -w 2 >>out.log 2>>err.log`;
  const running = program('sh', ['-c', command], { cwd: folder });
  const read = (name: string) => {
    const file = join(folder, name);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  };
  const until = async (name: string, pattern: RegExp) => {
    while (!pattern.test(read(name))) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  await until('err.log', /2 workers ready/);
  const port = Number(/:(\d+) with/.exec(read('err.log'))?.[1]);
  await get({ port }, '/before');
  await until('out.log', /request \/before/);
  const logs = ['out.log', 'err.log', 'own.log'];
  for (const name of logs) renameSync(join(folder, name), join(folder, `${name}.1`));

  running.kill('SIGUSR1');
  await until('err.log', /SIGUSR1: reopening log files/);
  // Each worker does so at its next beat.
  for (const name of ['out.log', 'own.log']) {
    while (!/request \/after/.test(read(name))) await get({ port }, '/after');
  }
  running.kill('SIGTERM');
  expect((await running.result).status).toBe(0);
  expect(read('err.log')).toMatch(/All workers have ended/);
  expect(read('err.log.1')).not.toMatch(/SIGUSR1|ended/);
  for (const name of ['out.log.1', 'own.log.1']) expect(read(name)).toMatch(/^request \/before\n/);
});
