// The inspector listens in this process, on a port that it tells; the child closes its copy, and the parent's goes on.
const assert = require('node:assert/strict');
const inspector = require('node:inspector');
const { get } = require('node:http');
const { text } = require('node:stream/consumers');
const { canary, inChild, skip } = require('./helpers/canary');

const targets = (port) =>
  new Promise((resolve, reject) => {
    get({ port, host: '127.0.0.1', path: '/json/list', agent: false }, (response) =>
      resolve(text(response).then(JSON.parse)),
    ).on('error', reject);
  });

canary(async () => {
  if (!process.features.inspector) skip('this Node has no inspector');
  inspector.open(0, '127.0.0.1');
  const port = Number(new URL(inspector.url()).port);
  await inChild(() => {
    assert.equal(inspector.url(), undefined);
    inspector.open(0, '127.0.0.1');
    assert.notEqual(Number(new URL(inspector.url()).port), port);
  });
  assert.equal((await targets(port)).length, 1);
  inspector.close();
});
