// OpenSSL compares the pid, and draws other bytes in a child.
const assert = require('node:assert/strict');
const { generateKeyPairSync, getRandomValues, randomBytes } = require('node:crypto');
const { canary, inChild } = require('./helpers/canary');

canary(async () => {
  randomBytes(16);
  const draw = () => [
    randomBytes(32).toString('hex'),
    Buffer.from(getRandomValues(new Uint8Array(32))).toString('hex'),
    generateKeyPairSync('x25519').publicKey.export({ type: 'spki', format: 'der' }).toString('hex'),
  ];
  const children = [await inChild(draw), await inChild(draw)];
  const all = [...children, draw()].flat();
  assert.equal(new Set(all).size, all.length, 'two processes drew the same bytes');
});
