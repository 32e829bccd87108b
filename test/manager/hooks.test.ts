/** Hooks that take their time are waited for, where something depends on them. */
import { expect, test } from 'vitest';
import { serve } from '../helpers/served';

const SERVER = `
  const server = require('node:http').createServer().listen(0, '127.0.0.1');
  process.on(process.env.LISTENS ?? 'nothing', () => { console.log('signal'); process.exit(); });`;

const config = (hooks: string) => `
  const { execSync } = require('node:child_process');
  const { setTimeout } = require('node:timers/promises');
  module.exports = { hooks: { ${hooks} } };`;

test.each([
  ['an application without listeners', {}, ['begins', 'ends']],
  [
    'one that listens for the signal, which hears of it then',
    { LISTENS: 'SIGTERM' },
    ['begins', 'ends', 'signal'],
  ],
])('A worker does not end before its workerStopping has: %s.', async (_, env, expected) => {
  const hooks = `async workerStopping() { console.log('begins'); await setTimeout(50); console.log('ends'); }`;
  const files = { 'app.js': SERVER, 'prefork.config.js': config(hooks) };
  const served = await serve(['app.js', '-w', '1'], { files, env });
  expect(await served.stop()).toBe('status 0');
  expect(served.running.stdout.trim().split('\n')).toEqual(expected);
});

test('A workerStopping that never ends costs the graceful timeout, one that rejects is logged.', async () => {
  for (const [hook, log] of [
    ['workerStopping: () => new Promise(() => {})', /^(?!(.|\n)*error)/],
    [
      "workerStopping: async () => { throw new Error('no such friend'); }",
      /The hook workerStopping threw: Error: no such friend/,
    ],
  ] as const) {
    const files = { 'app.js': SERVER, 'prefork.config.js': config(hook) };
    const served = await serve(['app.js', '-w', '1', '--graceful-timeout', '1s'], { files });
    expect(await served.stop()).toBe('status 0');
    expect(served.log).toMatch(log);
  }
});

test('reloaded is called once after each reload, may run commands, and is waited for.', async () => {
  const hooks = `
    async reloaded({ generation }) {
      await setTimeout(20);
      console.log(String(execSync('echo reloaded ' + generation)).trim());
    }`;
  const files = { 'app.js': SERVER, 'prefork.config.js': config(hooks) };
  const served = await serve(['app.js', '-w', '2'], { files });
  for (const generation of [1, 2]) {
    served.running.kill('SIGHUP');
    expect(await served.running.line()).toBe(`reloaded ${generation}`);
  }
  expect(await served.stop()).toBe('status 0');
  expect(served.running.stdout).toBe('reloaded 1\nreloaded 2\n');
});

test('An attendant that ends again and again is forked again after growing delays, as a worker is.', async () => {
  const ends = `
    setImmediate(() => { if (process.title.endsWith('attendant')) process.exit(3); });
    module.exports.restart = { burst: 2, minDelay: 3_600_000, maxDelay: 3_600_000 };`;
  const files = { 'app.js': SERVER, 'prefork.config.js': config('workerReady() {}') + ends };
  const served = await serve(['app.js', '-w', '1'], { files });
  await served.until(/exited with status 3; the next one starts in 3600 s at the earliest/);
  expect(await served.stop()).toBe('status 0');
  expect(served.log.match(/The attendant.* exited with status 3.*/g)).toHaveLength(3);
});
