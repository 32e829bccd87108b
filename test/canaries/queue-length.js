// Of a socket that listens TCP_INFO tells how many connections wait to be accepted.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { connect, createServer } = require('node:net');
const { setImmediate } = require('node:timers/promises');
const { canary, load } = require('./helpers/canary');

const [STATE, CONNECTIONS, ROW, MARK] = [4, 8, 16, 16]; // lib/manager/scoreboard.ts
const READY = 2;

canary(async () => {
  const { binding } = load('base/binding');
  let accepted = 0;
  const server = createServer(() => {
    accepted += 1;
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const lines = new Float64Array(2 * ROW);
  const other = lines.subarray(ROW);
  other[STATE] = READY;
  const marks = new Uint32Array(2 * MARK).fill(0xffff_ffff, MARK); // the other one accepts from every socket
  assert.notEqual(
    typeof binding.give_way_start(server._handle.fd, lines, marks, Int32Array.of(2), 0, 3_600_000),
    'number',
  );
  const seen = [];
  const client = async () => {
    await once(connect(server.address().port, '127.0.0.1'), 'connect');
    for (let turn = 0; turn < 5; turn++) await setImmediate();
    seen.push(accepted);
  };
  await client();
  other[CONNECTIONS] = -2; // two wait for it; one more is nobody's but this server's
  await client();
  await client();
  await client();
  assert.deepEqual(seen, [1, 1, 1, 2]);
  process.exit();
});
