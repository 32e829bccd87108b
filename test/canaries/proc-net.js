// /proc/net/tcp shows a connection that is being made in state 03, and /proc/net/unix a socket that listens with one flag.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { connect } = require('node:net');
const { mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { canary, load } = require('./helpers/canary');

const [IPPROTO_TCP, TCP_DEFER_ACCEPT] = [6, 9];

canary(async () => {
  const { binding } = load('base/binding');
  const { bindSockets, bindUnixSocket } = load();
  const [socket] = bindSockets(0, '127.0.0.1');
  const { port } = socket.address();
  assert.equal(binding.socket_setsockopt(socket.fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 30), 0);
  await once(connect(port, '127.0.0.1'), 'connect');
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const states = readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .map((line) => line.trim().split(/ +/))
    .filter(([, at]) => at === local)
    .map(([, , , state]) => state);
  assert(states.includes('03'), `the states of that port's sockets are ${states}`);

  const folder = mkdtempSync(join(tmpdir(), 'prefork-canary-'));
  const path = join(folder, 'socket');
  bindUnixSocket(path);
  const line = readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .find((each) => each.endsWith(path));
  rmSync(folder, { recursive: true });
  assert.match(line, /^\S+ \S+ \S+ 00010000 \S+ \S+ +\S+ /);
});
