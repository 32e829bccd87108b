/** What an application reads when it is loaded is the template's, unless it does as docs/applications.md says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type ServeOptions, serve } from '../helpers/served';
import { ROOT } from '../helpers/stdin';

/** Logs a line for each request, and answers with what ought to stand in it. */
const serving = `
  require('node:http').createServer((_, response) => {
    log.info('asked');
    response.end(JSON.stringify({ pid: process.pid, worker: Number(process.env.PREFORK_WORKER) }));
  }).listen(0, '127.0.0.1');`;

/** The last line that the worker which answers has logged, and its answer. */
async function askOnce(content: string, options: string[]) {
  const files: ServeOptions['files'] = { 'app.js': content };
  const served = await serve(['app.js', '-w', '2', ...options], { files });
  const answer = JSON.parse(await served.ask());
  await served.running.until(/"asked"}\n/);
  const line = served.running.stdout.split('\n').find((each) => each.includes('"asked"'));
  const children = served.running.children();
  expect(await served.stop()).toBe('status 0');
  return { answer, logged: JSON.parse(line ?? ''), children };
}

test('The logger that the page shows writes the pid and the number of the worker.', async () => {
  const page = readFileSync(join(ROOT, 'docs', 'applications.md'), 'utf8');
  const code = /```js\n([^`]*mixin[^`]*)```/.exec(page)?.[1] ?? '';
  const content = `
    const pino = require('pino');
    ${code.replace("'prefork'", JSON.stringify(ROOT))}
    ${serving}`;
  const { answer, logged } = await askOnce(content, []);
  expect(logged).toMatchObject(answer);
});

test('With --preload no each worker reads its own by itself; else it is the template whose pid is logged.', async () => {
  const content = `const log = require('pino')(); ${serving}`;
  const alone = await askOnce(content, ['--preload', 'no']);
  expect(alone.logged.pid).toBe(alone.answer.pid);
  const shared = await askOnce(content, []);
  expect(shared.logged.pid).not.toBe(shared.answer.pid);
  expect(shared.children).toContain(shared.logged.pid);
});
