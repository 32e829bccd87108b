// node:crypto keeps what it has drawn in advance in two variables of known names, which an inspector session shows at once.
const assert = require('node:assert/strict');
const { randomInt, randomUUID } = require('node:crypto');
const { canary, load, skip } = require('./helpers/canary');

canary(() => {
  if (!process.features.inspector) skip('this Node has no inspector');
  const caches = load('fork/random/crypto-caches').cryptoCaches();
  assert.deepEqual(
    caches.map(({ byteLength }) => byteLength),
    [6144, 2048],
    'the caches were not found, or have another size',
  );
  const [integers, ids] = caches;
  randomInt(2 ** 47); // fills it
  integers.fill(0);
  assert.deepEqual([randomInt(2 ** 47), randomInt(2 ** 47)], [0, 0], 'randomInt() draws from elsewhere');
  ids.fill(0);
  assert.match(randomUUID(), /^00000000-0000-4000-8000-0{12}$/);
});
