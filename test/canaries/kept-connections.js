// A connection that fetch() or an agent keeps for a next request is known by the channels of both, and can be destroyed.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { createServer, get } = require('node:http');
const { text } = require('node:stream/consumers');
const { canary, load } = require('./helpers/canary');

canary(async () => {
  const { activeThings } = load('fork/active');
  const { IdleConnections } = load('manager/template/idle-connections');
  const idle = new IdleConnections();
  idle.watch();
  const server = createServer((_, response) => response.end('answer')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${server.address().port}/`;
  const clients = () =>
    activeThings().filter(
      ({ kind, detail }) => kind === 'socket' && detail.endsWith(`-> ${url.slice(7, -1)}`),
    );
  const asks = {
    fetch: async () => (await fetch(url)).text(),
    get: () => new Promise((resolve) => get(url, (response) => resolve(text(response)))),
  };
  for (const ask of Object.values(asks)) {
    assert.equal(await ask(), 'answer');
    assert.equal(clients().length, 1);
    await idle.settle(() => clients().length > 0);
    assert.deepEqual(clients(), []);
    assert.equal(await ask(), 'answer');
    await idle.settle(() => clients().length > 0);
  }
});
