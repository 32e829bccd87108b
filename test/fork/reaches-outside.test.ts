import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Program, run } from '../helpers/run';

const printed = (stdout: string) => ({ status: 0, signal: null, stdout, stderr: '' });
const see = (name: string) => run('fork/reaches-outside.js', { args: [name] });

test('A Unix server that a child closes keeps its file; the parent that closes it removes it.', async () => {
  expect(await see('closed server')).toEqual(printed('true\nremoved\n'));
});

test('So it does when a child ends.', async () => {
  expect(await see('server at the end of a child')).toEqual(printed('true\nremoved\n'));
});

test('What a child binds itself it removes itself.', async () => {
  expect(await see("child's own server")).toEqual(printed('there\nremoved\n'));
});

test('A listener of exit that kills a ChildProcess kills none of the parent in a child.', async () => {
  expect(await see('children killed at exit')).toEqual(printed('alive\n'));
});

test('A listener of exit that removes a folder removes it in a child, but not by _exit.', async () => {
  expect(await see('folder removed at exit')).toEqual(printed('_exit there\nexit gone\n'));
});

test('Node gives a terminal its first mode back at the end of a child, but not by _exit.', async () => {
  const command = `${process.execPath} ${join(__dirname, '..', 'fixtures', 'fork', 'reaches-outside.js')} 'raw mode'`;
  const terminal = new Program('script', ['-qec', command, '/dev/null']);
  const { stdout, status } = await terminal.result;
  expect({ stdout, status }).toEqual({ stdout: '_exit raw\r\nexit not raw\r\n', status: 0 });
});
