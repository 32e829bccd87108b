/** `prefork` without arguments says what it found and what it would run; it runs nothing. */
import { expect, test } from 'vitest';
import { describeFolder } from '../../../lib/cli/settings/here';
import { type Files, folderWith, prefork } from '../../helpers/command';

const shop = (fields: object): Files => ({
  'package.json': JSON.stringify({ name: 'shop', version: '1.4.2', ...fields }),
});

/** What it says to serve it. */
function lineFor(files: Files): string | undefined {
  return /^To serve it: {4}(.*)$/m.exec(describeFolder(folderWith(files)))?.[1];
}

test.each([
  ['node server.js', 'npx prefork server.js'],
  ['  node   ./dist/main  ', 'npx prefork ./dist/main'],
  ['NODE_ENV=production node server.js', 'NODE_ENV=production npx prefork server.js'],
  ['cross-env PORT=80 node server.js', 'PORT=80 npx prefork server.js'],
  ['node --import tsx server.ts', 'npx prefork --import tsx server.ts'],
  ['node -r dotenv/config server.js', 'npx prefork --import dotenv/config server.js'],
  ['node --require=dotenv/config server.js', 'npx prefork --import dotenv/config server.js'],
  [
    'node --max-old-space-size=4096 --env-file .env server.js',
    "NODE_OPTIONS='--max-old-space-size=4096 --env-file .env' npx prefork server.js",
  ],
  ['node server.js --port 80', 'npx prefork server.js -- --port 80'],
  ['node server.js shop', 'npx prefork server.js shop'],
])('A start script %s: %s', (start, line) => {
  expect(lineFor(shop({ scripts: { start } }))).toBe(line);
});

test.each([
  'next start',
  'npm run build && node server.js',
  'node',
  'node --watch',
  'node $FILE',
  '',
  'pm2 start x',
])('A start script %j is told, and not understood.', (start) => {
  const said = describeFolder(folderWith(shop({ scripts: { start } })));
  expect(said).toBe(
    `package.json is of shop 1.4.2; its start script runs '${start}', which is not node with a file: say which file serves\n`,
  );
});

test('Without a start script: the main file, then a usual name.', () => {
  expect(lineFor({ ...shop({ main: 'lib/a.js' }), 'lib/a.js': '' })).toBe('npx prefork lib/a.js');
  expect(lineFor({ ...shop({ main: 'gone.js' }), 'src/app.ts': '' })).toBe('npx prefork src/app.ts');
  expect(lineFor({ 'dist/server.mjs': '' })).toBe('npx prefork dist/server.mjs');
});

test.each([
  ['nothing', {}, ''],
  [
    'a package without a file',
    shop({}),
    /^package\.json is of shop 1\.4\.2, which names no start script and no main file/,
  ],
  [
    'a package without a name',
    { 'package.json': '{}' },
    /^package\.json is of an application without a name, which/,
  ],
  ['no JSON', { 'package.json': '{' }, ''],
  ['null', { 'package.json': 'null' }, /an application without a name/],
  ['strange values', { 'package.json': '{"name":1,"main":[],"scripts":{"start":{}}}' }, /without a name/],
])('In a folder with %s it invents nothing.', (_, files, said) => {
  const text = describeFolder(folderWith(files as Files));
  if (typeof said === 'string') expect(text).toBe(said);
  else expect(text).toMatch(said);
});

test('Nothing that a terminal would obey is printed.', () => {
  const said = describeFolder(folderWith(shop({ name: 'a\u001b[31mb', scripts: { start: 'x\u009b1m' } })));
  expect(said).toContain("a?[31mb 1.4.2; its start script runs 'x?1m'");
});

test('The command says it before its usage, ends with status 2, and has run nothing.', async () => {
  const folder = folderWith({
    ...shop({ scripts: { start: 'node server.js' } }),
    'server.js': 'console.log("ran")',
  });
  const { status, stdout, stderr } = await prefork(folder, []).result;
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(
    /^package\.json is of shop 1\.4\.2; its start script runs 'node server\.js'\nTo serve it: {4}npx prefork server\.js\nFor a dry run: {2}npx prefork check server\.js\n\nUsage: prefork /,
  );
});
