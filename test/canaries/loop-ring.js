// Event loops batch their epoll_ctl in an io_uring, whose counters are equal when it is at rest: parent, child and grandchild
// go on to watch sockets, each in a ring of its own. It is at rest in every callback, whatever that has closed.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { readdirSync, readlinkSync } = require('node:fs');
const { connect, createServer } = require('node:net');
const { text } = require('node:stream/consumers');
const { canary, inChild, skip } = require('./helpers/canary');

function rings() {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === 'anon_inode:[io_uring]';
    } catch {
      return false;
    }
  });
}

/** So many connections at once that the ring goes round more than once. */
async function serveMany() {
  const server = createServer((socket) => socket.end('served')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  const answers = Array.from({ length: 300 }, () => text(connect(port, '127.0.0.1')));
  assert.deepEqual(new Set(await Promise.all(answers)), new Set(['served']));
  server.close();
}

/** Sockets that are read from are closed in the callback of one of them, which then forks. */
async function closeManyAndFork() {
  const sockets = [];
  const server = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  const clients = Array.from({ length: 20 }, () => connect(port, '127.0.0.1').on('error', () => {}));
  while (sockets.length < clients.length) await once(server, 'connection');
  const [first, ...others] = sockets;
  for (const socket of others) socket.on('error', () => {}).resume();
  const forked = new Promise((resolve, reject) => {
    first.once('data', () => {
      for (const socket of others) socket.destroy();
      inChild(serveMany).then(resolve, reject);
    });
  });
  for (const client of clients) client.write('to be read');
  await forked;
  for (const socket of [first, ...clients]) socket.destroy();
  server.close();
}

canary(async () => {
  if (rings().length === 0)
    skip('no event loop here has a ring: Node before 22, or a kernel without io_uring');
  await serveMany();
  for (let i = 0; i < 5; i++) {
    await inChild(async () => {
      await serveMany();
      await inChild(serveMany);
    });
    await serveMany();
    await closeManyAndFork();
  }
});
