// A server of libuv accepts nothing while nobody watches its socket, and takes connections that are handed to it.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { connect, createServer } = require('node:net');
const { setImmediate } = require('node:timers/promises');
const { canary, load } = require('./helpers/canary');

const [STATE, CONNECTIONS, ROW, MARK] = [4, 8, 16, 16]; // lib/manager/scoreboard.ts
const READY = 2;

canary(async () => {
  const { binding } = load('base/binding');
  const accepted = [];
  const server = createServer((socket) => accepted.push(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { fd } = server._handle;
  const lines = new Float64Array(2 * ROW);
  const other = lines.subarray(ROW);
  other[STATE] = READY;
  const marks = new Uint32Array(2 * MARK).fill(0xffff_ffff, MARK); // the other one accepts from every socket
  const count = Int32Array.of(2);
  globalThis.read = [lines, marks, count]; // by the natives, which keep none of them from being collected
  const giving = binding.give_way_start(fd, lines, marks, count, 0, 3_600_000, 0);
  assert.notEqual(typeof giving, 'number');
  const come = () => accepted.length + binding.socket_pending(fd);
  const client = async () => {
    const before = come();
    await once(connect(server.address().port, '127.0.0.1'), 'connect');
    // The client can hear of it before the server's queue has it.
    while (come() <= before) await setImmediate();
    for (let turn = 0; turn < 5; turn++) await setImmediate();
  };
  await client();
  assert.equal(accepted.length, 1);
  other[CONNECTIONS] = -1;
  await client();
  assert.equal(binding.socket_pending(fd), 1, 'libuv has accepted by itself');
  other[CONNECTIONS] = 0;
  await client();
  assert.equal(accepted.length, 3);
  assert(accepted.every((socket) => socket.remotePort > 0));
  binding.give_way_stop(giving);
  server.close();
  process.exit();
});
