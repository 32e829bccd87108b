// The text of the header Date is kept until a timer of Node's is called, whose function can be told from others.
const assert = require('node:assert/strict');
const { createServer, get } = require('node:http');
const { once } = require('node:events');
const { canary, load, skip } = require('./helpers/canary');

async function dateOf(port) {
  const [response] = await once(get({ port, host: '127.0.0.1', agent: false }), 'response');
  response.resume();
  return Date.parse(response.headers.date);
}

canary(async () => {
  if (!process.features.inspector) skip('this Node has no inspector');
  const { findQueues, dropQueues } = load('fork/quiet-queues');
  assert.ok(findQueues(), 'the queues were not found');
  const server = createServer((_, response) => response.end());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address();
  const before = await dateOf(port);
  dropQueues();
  while (Date.now() < before + 1000) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok((await dateOf(port)) >= before + 1000, 'the time stands still');
  server.close();
});
