// What waits on a loop for this process is not heard in a quiet child, whose loop works for what the child opens.
const assert = require('node:assert/strict');
const { readSync, writeSync } = require('node:fs');
const { createServer, connect } = require('node:net');
const { once } = require('node:events');
const { canary, load } = require('./helpers/canary');

canary(async () => {
  const { inChild } = load('parallel');
  const own = process.pid;
  const [reader, writer] = load().pipe();
  const heard = (what) => process.pid !== own && writeSync(writer, `${what}\n`);
  const server = createServer((socket) => {
    heard('a connection');
    socket.on('data', () => heard('data')).on('close', () => heard('a close'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  const client = connect(port, '127.0.0.1');
  await once(client, 'connect');
  const { port1, port2 } = new MessageChannel();
  port2.on('message', () => heard('a message'));
  const child = inChild(async () => {
    const own = new MessageChannel();
    own.port1.postMessage('own');
    const [message] = await once(own.port2, 'message');
    await new Promise((resolve) => setTimeout(resolve, 20));
    return message;
  });
  client.write('data');
  client.destroy();
  port1.postMessage('for the parent');
  connect(port, '127.0.0.1');
  assert.equal(await child, 'own');
  writeSync(writer, '.');
  const text = Buffer.alloc(100);
  assert.equal(text.toString('utf8', 0, readSync(reader, text)), '.');
});
