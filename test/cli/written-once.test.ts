/** What an application writes before it listens stands in its file once, and not once more for each worker. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { serve } from '../helpers/served';

const SERVER = "require('node:http').createServer().listen(0, '127.0.0.1', () => console.log('serves'));";

/**
 * Each keeps its logger, as one does that logs requests: a logger that nothing refers to any more is collected with the lines
 * that it has gathered, under plain Node, too.
 */
const APPLICATIONS: Record<string, string> = {
  'to a stream that is not open yet': `
    const log = require('node:fs').createWriteStream('app.log', { flags: 'a' });
    log.write('a line\\n');
    ${SERVER}`,
  'to a stream that has just been opened': `
    const log = require('node:fs').createWriteStream('app.log', { flags: 'a' });
    log.write('a line\\n');
    log.on('open', () => { ${SERVER} });`,
  'through another stream': `
    const { PassThrough } = require('node:stream');
    const log = new PassThrough();
    log.pipe(require('node:fs').createWriteStream('app.log', { flags: 'a' }));
    log.write('a line\\n');
    ${SERVER}`,
  "to a thread, as pino's transports do": `
    const target = { target: 'pino/file', options: { destination: 'app.log' } };
    const log = globalThis.log = require('pino')(require('pino').transport(target));
    log.info('a line');
    ${SERVER}`,
  'to a thread that has been ready for long': `
    const target = { target: 'pino/file', options: { destination: 'app.log' } };
    const transport = require('pino').transport(target);
    transport.on('ready', () => {
      globalThis.log = require('pino')(transport);
      globalThis.log.info('a line');
      ${SERVER}
    });`,
  'to what pino gathers in memory': `
    const { destination } = require('pino');
    const log = globalThis.log = require('pino')(destination({ dest: 'app.log', sync: false, minLength: 4096 }));
    log.info('a line');
    ${SERVER}`,
};

test.each(Object.entries(APPLICATIONS))('%s', async (_, content) => {
  const served = await serve(['app.js', '-w', '2'], { files: { 'app.js': content } });
  const [pid = 0] = served.running.workers();
  process.kill(pid, 'SIGKILL');
  await served.until(/serves/, 3);
  served.running.kill('SIGHUP');
  await served.until(/Every worker has been replaced/);
  expect(await served.stop()).toBe('status 0');
  const lines = readFileSync(join(served.folder, 'app.log'), 'utf8').match(/a line/g);
  expect(lines).toHaveLength(2); // it was loaded twice
});

const NEVER_RESTS = `
  const { Worker } = require('node:worker_threads');
  const busy = "require('node:worker_threads').parentPort.postMessage('begun'); while (!require('node:fs').existsSync('enough'));";
  const thread = new Worker(busy, { eval: true });
  // As the package thread-stream does.
  const stream = { destroyed: false, flushSync() {} };
  thread.stream = { deref: () => stream };
  new Worker("require('node:worker_threads').parentPort.on('message', () => {})", { eval: true });
  thread.once('message', () => { ${SERVER} });`;

test('A thread that writes and comes to no rest is given up at last, and the log says so.', async () => {
  const served = await serve(['app.js', '-w', '1', '--log-format', 'json'], {
    files: { 'app.js': NEVER_RESTS },
  });
  expect(served.log).toMatch(/"event":"lines_unwritten","message":"A thread that writes what/);
  writeFileSync(join(served.folder, 'enough'), '');
  expect(await served.stop()).toBe('status 0');
});
