// Each request of node:http is announced with its response: they are counted, and the last on a connection is known.
const assert = require('node:assert/strict');
const { Agent, get } = require('node:http');
const { text } = require('node:stream/consumers');
const { canary, manage } = require('./helpers/canary');

canary(async () => {
  const { port } = await manage(`
    served(require('node:http').createServer((request, response) =>
      response.end(String(PREFORK.scoreboard()[0].requests))));`);
  const agent = new Agent({ keepAlive: true });
  const ask = () =>
    new Promise((resolve, reject) => {
      get({ port, agent, host: '127.0.0.1' }, (response) => resolve(text(response))).on('error', reject);
    });
  assert.deepEqual([await ask(), await ask(), await ask()], ['1', '2', '3']);
});
