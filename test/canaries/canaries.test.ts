/** Every row of docs/internals.md has a canary, each holds on this Node, and each catches what it is there for. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { program } from '../helpers/command';
import type { Result } from '../helpers/run';
import { FOLDER, programs, type Row, rows, rowsOf } from './helpers/rows';

const ROOT = join(__dirname, '..', '..');
const BINDING = JSON.stringify(join(ROOT, 'dist', 'base', 'binding.js'));

function canary(name: string, env: Record<string, string> = {}): Promise<Result> {
  return program(process.execPath, [join(FOLDER, `${name}.js`)], { env, deadman: 110_000 }).result;
}

function write(name: string, content: string, mode = 0o644): string {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, name), content, { mode });
  return join(folder, name);
}

test('Each row of docs/internals.md has a canary, and each canary one row.', () => {
  expect(rows.map(({ name }) => name).sort()).toEqual(programs);
});

test.each(rows)('$name: its row names files that exist, and says how it fails.', ({ where, fails }) => {
  const files = [...where.matchAll(/\]\(([^)]+)\)/g)].map(([, path = '']) => join(ROOT, 'docs', path));
  expect(files.length).toBeGreaterThan(0);
  expect(files.filter((file) => !existsSync(file))).toEqual([]);
  expect(fails).toMatch(/^(loudly|softly|silently)\b/);
});

test('Lines of the page that are no rows are none.', () => {
  const page =
    '| where | leans on | when that changes | canary |\n| --- | --- | --- | --- |\n| a | b | c | `d-e` |\ntext';
  expect(rowsOf(page)).toEqual([{ name: 'd-e', where: 'a', what: 'b', fails: 'c' } satisfies Row]);
});

test.each(rows)('$name holds on this Node.', async ({ name }) => {
  const { status, signal, stdout, stderr } = await canary(name);
  expect({ status, signal }, `${stdout}${stderr}`).toEqual({ status: 0, signal: null });
});

const unheard = (channel: string): string => `
  const channels = require('node:diagnostics_channel');
  const { subscribe } = channels;
  channels.subscribe = (name, listener) => name === '${channel}' || subscribe(name, listener);`;

const withBinding = (source: string): string => `const { binding } = require(${BINDING}); ${source}`;

/** Another Node, as far as a canary can see: each is preloaded into every process and thread of it. */
const CHANGES: Record<string, string> = {
  'active-handles': 'process._getActiveHandles = () => [];',
  'active-requests': 'process._getActiveRequests = () => [];',
  'date-header': "Function.prototype.toString = () => '';",
  'dns-channel': `
    const { Resolver } = require('node:dns');
    Object.getPrototypeOf(new Resolver()._handle).getServers = undefined;`,
  'async-resources': `
    const hooks = require('node:async_hooks');
    const { createHook } = hooks;
    hooks.createHook = ({ init }) =>
      createHook({ init: (id, type, trigger) => init(id, type, trigger, {}) });`,
  'busy-connection': `
    const { Socket } = require('node:net');
    const { on } = Socket.prototype;
    Socket.prototype.on = function (name, ...rest) {
      let message = null;
      const hides = () => /connections/.test(new Error().stack);
      const hidden = { get: () => (hides() ? null : message), set: (given) => void (message = given) };
      if (!Object.hasOwn(this, '_httpMessage')) Object.defineProperty(this, '_httpMessage', hidden);
      return on.call(this, name, ...rest);
    };`,
  'unsent-head': `
    const { OutgoingMessage } = require('node:http');
    const values = new WeakMap();
    Object.defineProperty(OutgoingMessage.prototype, '_headerSent', {
      get() { return /listener-errors/.test(new Error().stack.split('\n')[2]) ? undefined : values.get(this); },
      set(value) { values.set(this, value); },
    });`,
  'child-process-channel': unheard('child_process'),
  'cluster-worker': "Object.freeze(require('node:cluster'));",
  'color-depth':
    "require('node:tty').WriteStream.prototype.getColorDepth = function () { return this.depth; };",
  credentials: "Object.defineProperty(process, 'setuid', { value: process.setuid, writable: false });",
  'crypto-caches': "require('node:inspector').Session.prototype.post = () => {};",
  'crypto-drain': `
    const crypto = require('node:crypto');
    const { randomUUID } = crypto;
    let cache = [];
    crypto.randomUUID = () => {
      if (cache.length === 0) cache = Array.from({ length: 256 }, randomUUID);
      return cache.pop();
    };`,
  'datagram-handle': 'Object.getOwnPropertySymbols = () => [];',
  'first-async': withBinding(`
    const { on_fork_elsewhere: tell } = binding;
    binding.on_fork_elsewhere = (listener, secrets) => tell(() => setImmediate(listener), secrets);`),
  'http2-server': `
    const server = require('node:http2').createServer();
    delete Object.getPrototypeOf(server).updateSettings;`,
  interrupt: withBinding('binding.stack_report_on_request = () => -38;'),
  'ipc-channel': 'Object.getOwnPropertySymbols = () => [];',
  'ipc-pipe': withBinding(`
    const { loop_active_handles: list } = binding;
    binding.loop_active_handles = () => list().map((each) => ({ ...each, passesHandles: false }));`),
  'keep-alive': `
    Object.defineProperty(require('node:http').ServerResponse.prototype, 'shouldKeepAlive', {
      get: () => true,
      set() {},
    });`,
  'kept-connections': unheard('undici:client:connected'),
  'main-module': `
    if (process.argv[1].endsWith('main.js')) require('node:module').runMain = () => {};`,
  'math-random': withBinding('binding.random_survey = () => {};'),
  'module-list': "Object.defineProperty(process, 'moduleLoadList', { value: [] });",
  'net-close': `
    const { Server } = require('node:net');
    const { close } = Server.prototype;
    Server.prototype.close = function () {
      this.closeIdleConnections?.();
      return close.call(this);
    };`,
  'peer-name': withBinding(`
    const { accept_start: start } = binding;
    binding.accept_start = (fd, callback) => start(fd, (connection) => callback(connection, { port: 0 }));`),
  'proc-children': withBinding(`
    const { wait_now: now } = binding;
    binding.wait_now = (pid, options, status) => {
      status[0] = 0;
      return 1;
    };`),
  'process-pid': `
    Object.defineProperty(process, 'pid', { value: process.pid, configurable: false });`,
  'request-channel': unheard('http.server.request.start'),
  'request-push': `
    const { Readable } = require('node:stream');
    Object.defineProperty(require('node:http').IncomingMessage.prototype, 'push', {
      get: () => Readable.prototype.push,
      set() {},
    });`,
  'requests-count': withBinding('binding.requests_in_flight = () => 0;'),
  'resource-names': "process.getActiveResourcesInfo = () => ['TimerWrap'];",
  'server-handle': 'delete require("node:net").Server.prototype._listen2;',
  'signal-pipe': withBinding('binding.wait_next_signal = () => 0;'),
  'sock-diag': withBinding('binding.socket_handshakes = () => 0;'),
  'socket-disguise': `
    const { Server } = require('node:net');
    const { emit } = Server.prototype;
    Server.prototype.emit = function (name, socket, ...rest) {
      if (name === 'connection') Object.defineProperty(socket, 'encrypted', { get: () => undefined, set() {} });
      return emit.call(this, name, socket, ...rest);
    };`,
  'spared-connection': `
    const { Server } = require('node:http');
    Server.prototype.closeIdleConnections = Server.prototype.closeAllConnections;`,
  'spawn-forks': withBinding('binding.process_spawn_apart = () => 0;'),
  'spawn-handle': `
    const { ChildProcess } = require('node:child_process');
    const { spawn } = ChildProcess.prototype;
    Object.defineProperty(ChildProcess.prototype, 'spawn', { get: () => spawn, set() {} });`,
  'stack-format': "Error.prepareStackTrace = (error, sites) => 'no lines'; Object.freeze(Error);",
  'tcp-filter': withBinding('binding.socket_refuse = () => 0;'),
  'thread-stream': `
    const { Worker } = require('node:worker_threads');
    Object.defineProperty(Worker.prototype, 'stream', { get: () => undefined, set() {} });`,
  'tick-queue': `
    const { nextTick } = process;
    process.nextTick = (...parameters) => nextTick(...parameters);`,
  'v8-flags': `
    require('node:v8').setFlagsFromString = (flag) =>
      require('node:fs').writeSync(2, 'Error: unrecognized flag ' + flag);`,
  'worker-channel': unheard('worker_threads'),
  'worker-exit': `
    const exit = process.reallyExit;
    process.exit = (status) => exit.call(process, status);`,
  'worker-ports': withBinding('binding.loop_active_handles = () => [];'),
};

describe('A canary fails on a Node that is another in just that', () => {
  test.each(Object.entries(CHANGES))('%s', async (name, source) => {
    const preloaded = write('change.js', source);
    const { status, signal } = await canary(name, { NODE_OPTIONS: `--require=${preloaded}` });
    expect({ status, signal }).toEqual({ status: 1, signal: null });
  });
});

test('npm run test:canaries prints a line for each row, with any Node that it is given.', async () => {
  const change = write('change.js', CHANGES['module-list'] ?? '');
  const node = write('node', `#!/bin/sh\nexec '${process.execPath}' --require='${change}' "$@"\n`, 0o755);
  const run = (...args: string[]) =>
    program(process.execPath, [join(FOLDER, 'run.mjs'), ...args], { deadman: 110_000 }).result;
  const good = await run('color-depth', 'module-list');
  expect(good).toMatchObject({ status: 0, stderr: '' });
  expect(good.stdout).toContain(`Node ${process.versions.node}, V8 ${process.versions.v8}`);
  expect(good.stdout).toMatch(/^holds +color-depth +loudly +`?getColorDepth/m);
  expect(good.stdout).toMatch(/^holds +module-list +silently +/m);
  expect(good.stdout).toMatch(/^2 hold, 0 skipped, 0 failed$/m);
  const bad = await run(`--node=${node}`, 'module-list', 'color-depth');
  expect(bad.status).toBe(1);
  expect(bad.stdout).toMatch(/^FAILED +module-list +silently +/m);
  expect(bad.stdout).toMatch(/^1 hold, 0 skipped, 1 failed$/m);
  const unknown = await run('no-such-canary');
  expect(unknown.status).toBe(1);
  expect(unknown.stderr).toContain('docs/internals.md has no canary no-such-canary');
});
