// Of a socket that listens TCP_INFO tells how many connections wait to be accepted.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { readFileSync } = require('node:fs');
const { connect, createServer } = require('node:net');
const { setImmediate } = require('node:timers/promises');
const { canary, load } = require('./helpers/canary');

const [STATE, CONNECTIONS, ROW, MARK] = [4, 8, 16, 16]; // lib/manager/scoreboard.ts
const READY = 2;

/** How many the kernel has in the queue of the socket that listens on the port (proc(5)). */
function waitingAt(port) {
  const own = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`;
  const line = readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .find((each) => each.includes(own));
  return Number.parseInt(/ 0A \w+:(\w+)/.exec(line)[1], 16);
}

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
  const count = Int32Array.of(2);
  globalThis.read = [lines, marks, count]; // by the natives, which keep none of them from being collected
  assert.notEqual(
    typeof binding.give_way_start(server._handle.fd, lines, marks, count, 0, 3_600_000, 0),
    'number',
  );
  const seen = [];
  const { port } = server.address();
  const client = async () => {
    await once(connect(port, '127.0.0.1'), 'connect');
    // The client can hear of it before the server's queue has it.
    while (accepted + waitingAt(port) <= seen.length) await setImmediate();
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
