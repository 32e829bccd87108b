/** Attendants that have been replaced end: by themselves, or when their time is up. */
import { expect, test } from 'vitest';
import { Farewells } from '../../lib/manager/manager/farewells';
import { serve } from '../helpers/served';

test('Each is named once when its time is up, unless it has ended.', () => {
  const farewells = new Farewells<string>();
  expect(farewells.next).toBe(Number.POSITIVE_INFINITY);
  farewells.begin('first', 1000);
  farewells.begin('second', 2000);
  farewells.begin('third', 3000);
  farewells.ended('second');
  expect(farewells.next).toBe(1000);
  expect(farewells.late(999)).toEqual([]);
  expect(farewells.late(1000)).toEqual(['first']);
  expect(farewells.late(1000)).toEqual([]);
  expect(farewells.next).toBe(3000);
  expect(farewells.late(9000)).toEqual(['third']);
  expect(farewells.next).toBe(Number.POSITIVE_INFINITY);
});

test('A hook that never comes to its end leaves no process behind when the files are put into service anew.', async () => {
  const server = "require('node:http').createServer().listen(0, '127.0.0.1');";
  const hook = 'workerReady() { return new Promise(() => setInterval(() => {}, 1000)); }';
  const config = `module.exports = { workers: 1, gracefulTimeout: '100ms', hooks: { ${hook} } };`;
  const served = await serve(['app.js'], { files: { 'app.js': server, 'prefork.config.js': config } });
  for (let reload = 1; reload <= 2; reload++) {
    served.running.kill('SIGHUP');
    await served.until(
      /The attendant of generation \d was replaced, and still calls hooks: killing it/,
      reload,
    );
  }
  expect(await served.stop()).toBe('status 0');
});
