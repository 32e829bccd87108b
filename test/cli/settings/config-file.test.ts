import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { findConfigFile, fromFile } from '../../../lib/cli/settings/config-file';

function written(name: string, content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

test('A JSON file is read: numbers are milliseconds and bytes, texts have units.', async () => {
  const content = {
    workers: 2,
    bind: [':80', 81],
    bootTimeout: '2s',
    hangTimeout: 500,
    restart: { limit: null },
  };
  const { given } = await fromFile(written('prefork.config.json', JSON.stringify(content)));
  expect(Object.fromEntries(given)).toEqual({
    workers: 2,
    bind: [
      { kind: 'tcp', host: null, port: 80 },
      { kind: 'tcp', host: null, port: 81 },
    ],
    bootTimeout: 2000,
    hangTimeout: 500,
    'restart.limit': null,
  });
});

test.each([
  ['prefork.config.mjs', 'export default { workers: 3, hooks: { beforeFork() {} } }'],
  ['prefork.config.js', 'module.exports = { workers: 3, hooks: { beforeFork() {} } }'],
  ['compiled.cjs', 'exports.__esModule = true; exports.default = { workers: 3, hooks: { beforeFork() {} } }'],
])('%s is loaded, with its hooks.', async (name, content) => {
  const { given, hooks } = await fromFile(written(name, content));
  expect(given.get('workers')).toBe(3);
  expect(hooks.beforeFork).toBeTypeOf('function');
});

test.each([
  ['{ "wrokers": 3 }', /^Unknown setting wrokers in prefork\.config\.json: expected one of workers, /],
  ['{ "workers": "x" }', /^Expected an integer .* for workers in prefork\.config\.json but received 'x'$/],
  [
    '{ "warmup": {} }',
    /^Expected true or false for warmup in prefork\.config\.json but received an instance of Object$/,
  ],
  ['{ "restart": 3 }', /^Expected an object for restart in /],
  ['{ "restart": { "x": 3 } }', /^Unknown setting restart\.x in /],
  ['{ "hooks": { "x": 3 } }', /^Unknown hook x in prefork\.config\.json: expected one of beforeFork, /],
  ['{ "hooks": { "beforeFork": 3 } }', /^Expected a function for hooks\.beforeFork in /],
  [
    '[]',
    /^Expected an object for the default export of prefork\.config\.json but received an instance of Array$/,
  ],
  ['{', /^Cannot load .*prefork\.config\.json: SyntaxError/],
])('%s is refused.', async (content, message) => {
  await expect(fromFile(written('prefork.config.json', content))).rejects.toThrow(message);
});

test('A file that was asked for and is not there is an error; no file at all is none.', async () => {
  expect(() => findConfigFile('/nowhere/x.json')).toThrow(
    'Cannot find the configuration file /nowhere/x.json',
  );
  expect(findConfigFile(false)).toBe(null);
  expect((await fromFile(null)).given.size).toBe(0);
});
