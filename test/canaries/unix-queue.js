// The kernel says how many connections wait in the queue of a Unix socket, by the inode that fstat(2) has (sock_diag(7)).
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { fstatSync, mkdtempSync, rmSync } = require('node:fs');
const { connect } = require('node:net');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { canary, load, skip } = require('./helpers/canary');

const ENOENT = -2;

canary(async () => {
  const { binding } = load('base/binding');
  const folder = mkdtempSync(join(tmpdir(), 'prefork-canary-'));
  const path = join(folder, 'socket');
  const socket = load().bindUnixSocket(path);
  const { ino } = fstatSync(socket.fd);
  const before = binding.socket_unix_queue_length(ino);
  const clients = [connect(path), connect(path)];
  await Promise.all(clients.map((client) => once(client, 'connect')));
  const after = binding.socket_unix_queue_length(ino);
  rmSync(folder, { recursive: true });
  if (before < 0) skip(`it may not be asked here (${before})`);
  assert.deepEqual([before, after], [0, 2]);
  assert.equal(binding.socket_unix_queue_length(0x7fffffff), ENOENT);
});
