/** A pool in servers: nothing of the server goes on in its children, and each request is answered once. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { get } from '../helpers/manager';
import { freePort } from '../helpers/port';
import { run } from '../helpers/run';
import { serve } from '../helpers/served';
import { ROOT } from '../helpers/stdin';

const application = (port: number) => `
  const { createServer } = require('node:http');
  const { Pool } = require('${join(ROOT, 'dist', 'parallel')}');
  const pool = new Pool({ processes: 2 });
  createServer(async ({ url }, response) => {
    const own = Number(url.slice(1));
    const squares = await pool.map([own, own + 1, own + 2], (n) => n * n, { chunkSize: 1 });
    response.end(JSON.stringify(squares));
  }).listen(${port}, '127.0.0.1');`;

test('In workers of the process manager each request is answered, while they are replaced, too.', async () => {
  const port = freePort();
  const args = ['app.js', '-w', '2', '--log-format', 'json'];
  const served = await serve(args, { files: { 'app.js': application(port) }, until: /"2 workers ready"/ });
  let number = 0;
  const client = async () => {
    while (number < 60) {
      const own = number++;
      if (own === 20) served.running.kill('SIGHUP');
      const squares = [own, own + 1, own + 2].map((n) => n * n);
      expect(JSON.parse(await get({ port }, `/${own}`))).toEqual(squares);
    }
  };
  await Promise.all([client(), client(), client()]);
  await served.until(/"event":"replaced_all"/);
  await served.stop();
}, 120_000);

test('Of a busy server nothing goes on in the children of a pool, and nothing is done twice.', async () => {
  const { status, stdout, stderr } = await run('parallel/busy.js', {
    env: { COUNT: '22', BY: 'map', DEADMAN: '100000' },
    deadman: 110_000,
  });
  expect({ status, stdout }, stderr).toEqual({
    status: 0,
    stdout: '{"failed":0,"wrong":[],"outOfOrder":0}\n',
  });
}, 120_000);
