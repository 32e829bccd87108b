// The package ws leaves its WebSocket on the socket under a symbol named `websocket`.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { createRequire } = require('node:module');
const { canary, ROOT, skip } = require('./helpers/canary');

function ws() {
  try {
    return createRequire(`${ROOT}/`)('ws');
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error;
    return skip('ws is not installed');
  }
}

canary(async () => {
  const { WebSocket, WebSocketServer } = ws();
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${server.address().port}`);
  const [socket, { socket: beneath }] = await once(server, 'connection');
  const symbol = Object.getOwnPropertySymbols(beneath).find(({ description }) => description === 'websocket');
  assert.equal(beneath[symbol], socket);
  client.terminate();
});
