// What an event loop keeps of its io_uring is where its loop says: the child of a fork begins to count in a ring of its own.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { readdirSync, readFileSync } = require('node:fs');
const { connect, createServer } = require('node:net');
const { text } = require('node:stream/consumers');
const { canary, inChild, skip } = require('./helpers/canary');

const CONNECTIONS = 300;

/** How much each ring of this process has ever been given to do (fs/proc of io_uring, `SqTail`). */
function submissions() {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const found = /^SqTail:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'));
      return found === null ? [] : [Number(found[1])];
    } catch {
      return []; // the listing's own descriptor
    }
  });
}

async function serveMany() {
  const server = createServer((socket) => socket.end('served')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  await Promise.all(Array.from({ length: CONNECTIONS }, () => text(connect(port, '127.0.0.1'))));
  server.close();
}

canary(async () => {
  await serveMany();
  const before = Math.max(0, ...submissions());
  if (before < CONNECTIONS)
    skip('no event loop here has a ring: Node before 22, or a kernel without io_uring');
  await inChild(async () => {
    assert(Math.max(...submissions()) < CONNECTIONS, `the child's ring counts on from ${before}`);
    await serveMany();
  });
});
