/** The package itself: how it is built, loaded and missed. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { program as start } from '../helpers/command';
import { installedCopy } from '../helpers/installed-copy';
import { ROOT } from '../helpers/stdin';

const load = createRequire(__filename);
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string;
  bin: Record<string, string>;
  exports: Record<string, string>;
  files: string[];
};
/** Exports nothing, and has its effect on the process that it is loaded into. */
const PRELOAD = './auto';

function read(name: string): string {
  return readFileSync(join(ROOT, name), 'utf8');
}

function sourcesIn(file: string): string[] {
  return [...new Set(read(file).match(/native\/[\w/]+\.cc/g))].sort();
}

function definesIn(file: string): string[] {
  return [...new Set(read(file).match(/\bN(?:API|ODE)_[A-Z_]+(?:=\d+)?/g))]
    .filter((name) => /^(NAPI_VERSION=|.*(EXCEPTIONS|DEPRECATED))/.test(name))
    .sort();
}

/** What node prints; it ends with status 0. */
async function printed(args: string[], cwd = ROOT): Promise<string> {
  const { status, stdout, stderr } = await start(process.execPath, args, { cwd }).result;
  expect(status, stderr).toBe(0);
  return stdout;
}

function run(folder: string, name: string, program: string): Promise<string> {
  writeFileSync(join(folder, name), program);
  return printed([join(folder, name)], folder);
}

test('node-gyp and cmake-js build the same sources with the same definitions.', () => {
  expect(sourcesIn('CMakeLists.txt')).toEqual(sourcesIn('binding.gyp'));
  expect(definesIn('CMakeLists.txt')).toEqual(definesIn('binding.gyp'));
});

test('Every entry of exports is built.', () => {
  for (const [name, file] of Object.entries(manifest.exports)) {
    expect(existsSync(join(ROOT, file)), name).toBe(true);
    if (name !== './package.json')
      expect(existsSync(join(ROOT, file.replace(/\.(m?)js$/, '.d.$1ts'))), name).toBe(true);
    if (name !== PRELOAD) expect(() => load(`prefork${name.slice(1)}`), name).not.toThrow();
  }
});

test('The command is built, and can be run by itself.', async () => {
  const [command = ''] = Object.values(manifest.bin);
  expect(readFileSync(join(ROOT, command), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  expect(await printed([join(ROOT, command), '--version'])).toBe(`${manifest.version}\n`);
});

test('Each module exports these names.', () => {
  const names = Object.keys(manifest.exports).filter((name) => name !== './package.json' && name !== PRELOAD);
  const exported = names.map((name) => [name, Object.keys(load(`prefork${name.slice(1)}`) as object).sort()]);
  expect(Object.fromEntries(exported)).toMatchSnapshot();
});

/** What users can require. */
const DOORS = Object.entries(JSON.parse(read('package.json')).exports as Record<string, string>)
  .filter(([, file]) => file.endsWith('.js'))
  .map(([name]) => name.replace('.', 'prefork'));

test("The README's table of the API names every export.", () => {
  const [, table = ''] = /^## API\n([\s\S]*?)^## /m.exec(read('README.md')) ?? [];
  const named = new Set([...table.matchAll(/`(\w+)`/g)].map(([, name]) => name));
  const doors = DOORS.map(load) as object[];
  const missing = doors.flatMap(Object.keys).filter((name) => !named.has(name));
  expect(missing).toEqual([]);
});

test('The pages of docs/api name no function that is not exported.', () => {
  const folder = join(ROOT, 'docs', 'api');
  const titles = readdirSync(folder).flatMap((page) =>
    [...readFileSync(join(folder, page), 'utf8').matchAll(/^### (\w+)\(\)$/gm)].map(([, name]) => name),
  );
  const doors = DOORS.map(load) as object[];
  const exported = new Set(doors.flatMap(Object.keys));
  expect(titles.length).toBeGreaterThan(50);
  expect(titles.filter((name) => !exported.has(name as string))).toEqual([]);
});

/** How many files of each room a program loads with a module of the package; of the doors, all together. */
async function loadedWith(name: string): Promise<Record<string, number>> {
  const program = `
    require('./dist/${name}.js');
    const files = Object.keys(require.cache).filter((file) => file.startsWith(process.cwd() + '/dist/'));
    console.log(JSON.stringify(files.map((file) => file.slice(process.cwd().length + 6))));
  `;
  const files = JSON.parse(await printed(['-e', program]));
  const rooms = (files as string[]).map((file) =>
    file.includes('/') ? (file.split('/')[0] as string) : 'doors',
  );
  return Object.fromEntries(
    [...new Set(rooms)].sort().map((room) => [room, rooms.filter((each) => each === room).length]),
  );
}

test("A module loads what its user needs, and nothing of the command's.", async () => {
  const rooms = async (name: string) => Object.keys(await loadedWith(name));
  expect(await rooms('log')).toEqual(['base', 'doors', 'log']);
  expect(await rooms('netutil')).toEqual(['base', 'doors', 'log', 'sockets']);
  expect(await rooms('os')).toEqual(['base', 'doors', 'fork', 'posix', 'wait']);
  const ofProcess = ['base', 'doors', 'fork', 'log', 'posix', 'sockets', 'wait', 'warmup'];
  expect(await rooms('process')).toEqual(ofProcess);
  expect(await rooms('httpserver')).toEqual([...ofProcess, 'servers'].sort());
  const everything = await loadedWith('index');
  expect(Object.keys(everything)).toEqual([...ofProcess, 'manager', 'servers', 'shared'].sort());
  // config, scoreboard with what is counted of answers, what a worker knows of itself, and what one does for all: by which process.
  expect(everything['manager']).toBe(9);
});

test('import and require load one and the same package.', async () => {
  const folder = installedCopy({ withAddon: true });
  const program = `
    import { createRequire } from 'node:module';
    import prefork, { fork, registerAtFork, wait } from 'prefork';
    import * as os from 'prefork/os';
    const required = createRequire(import.meta.url)('prefork');
    const calls = [];
    registerAtFork({ before: () => calls.push('imported') });
    required.registerAtFork({ before: () => calls.push('required') });
    const pid = os.fork();
    if (pid === 0) process.exit(7);
    const [ended, status] = required.wait();
    console.log(JSON.stringify([fork === required.fork, fork === prefork.fork, wait === os.wait,
      ended === pid, status >> 8, calls]));
  `;
  expect(JSON.parse(await run(folder, 'program.mjs', program))).toEqual([
    true,
    true,
    true,
    true,
    7,
    ['required', 'imported'],
  ]);
});

test('Without its addon the package loads, and fork() says what is missing.', async () => {
  const folder = installedCopy({ withAddon: false });
  const program = `
    const { fork, registerAtFork, waitstatusToExitcode } = require('prefork');
    registerAtFork({});
    console.log(waitstatusToExitcode(256));
    try {
      fork();
    } catch ({ code, message, cause }) {
      console.log(code, /^prefork needs Linux/.test(message), cause instanceof Error);
    }
  `;
  expect(await run(folder, 'program.cjs', program)).toBe('1\nERR_PREFORK_UNSUPPORTED true true\n');
});
