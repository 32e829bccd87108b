/** docs/porting-from-multiprocessing.md names all that there is, and its program runs. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as multiprocessing from 'prefork/multiprocessing';
import { expect, test } from 'vitest';
import { program } from '../helpers/command';
import { oracleVersion, PYTHON } from '../helpers/oracle';
import { ROOT } from '../helpers/stdin';

const page = readFileSync(join(ROOT, 'docs', 'porting-from-multiprocessing.md'), 'utf8');

test('The page names every export, and nothing that is not there.', () => {
  const words = new Set(page.match(/\w+/g));
  const exported = Object.keys(multiprocessing).filter((name) => name !== 'default');
  expect(exported.filter((name) => !words.has(name))).toEqual([]);
  const made = [...page.matchAll(/\bnew (\w+)\(/g)].map(([, name]) => name as string);
  expect(made.filter((name) => !exported.includes(name))).toEqual([]);
});

test.skipIf(oracleVersion() === null)('The methods in its first column are those of Python.', () => {
  const [, table = ''] = /<!-- begin names -->([\s\S]*?)<!-- end names -->/.exec(page) ?? [];
  const left = table.split('\n').map((row) => row.split('|')[1] ?? '');
  const methods = left.flatMap((cell) => [...cell.matchAll(/\b(\w+_\w+)\(/g)].map(([, name]) => name));
  const source = `
import multiprocessing as mp, multiprocessing.connection
things = [mp, mp.Process, mp.Pipe()[0], mp.Lock(), mp.Semaphore(), mp.Event(), mp.Condition(), mp.Barrier(1),
          mp.Queue(), mp.JoinableQueue(), mp.SimpleQueue(), mp.Value("i"), mp.Array("i", 1)]
print([name for name in ${JSON.stringify(methods)} if not any(hasattr(thing, name) for thing in things)])`;
  expect(methods.length).toBeGreaterThan(10);
  expect(spawnSync(PYTHON, ['-c', source], { encoding: 'utf8' })).toMatchObject({
    stdout: '[]\n',
    stderr: '',
  });
});

test('Its program prints what it says.', async () => {
  const [, code = ''] = /```js\n([\s\S]*?)```/.exec(page) ?? [];
  const running = program(process.execPath, ['--input-type=module', '-e', code], { cwd: ROOT });
  const { status, stdout, stderr } = await running.result;
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/^6 [149]\n$/);
});
