// async_hooks shows each handle as an object that knows its descriptor or pid, and watchers under the names that are known.
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { unwatchFile, watch, watchFile } = require('node:fs');
const { createServer } = require('node:net');
const { canary, load } = require('./helpers/canary');

canary(async () => {
  const { binding } = load('base/binding');
  const { activeThings } = load('fork/active');
  const { traceOpenings } = load('fork/openings');
  traceOpenings();
  const server = createServer().listen(0);
  await once(server, 'listening');
  const watcher = watch('/');
  watchFile(__filename, () => {});
  const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] });
  while (binding.requests_in_flight() > 0) await new Promise(setImmediate); // watchFile() looks at its file
  const things = activeThings().filter(({ kind }) => kind !== 'socket' && kind !== 'pipe');
  assert.deepEqual(things.map(({ kind }) => kind).sort(), [
    'child process',
    'file watcher',
    'file watcher',
    'server',
  ]);
  for (const { kind, openedAt } of things) {
    assert(openedAt?.startsWith(__filename), `nothing tells where a ${kind} was opened (${openedAt})`);
  }
  child.kill();
  watcher.close();
  unwatchFile(__filename);
});
