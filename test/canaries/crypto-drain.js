// Where the caches of node:crypto cannot be had they are drawn empty: they hold 128 ids and 1,024 numbers, and no more.
const assert = require('node:assert/strict');
const { randomInt, randomUUID } = require('node:crypto');
const { canary, inChild, load } = require('./helpers/canary');

const draw = () => ({
  ids: Array.from({ length: 300 }, () => randomUUID()),
  numbers: Array.from({ length: 3000 }, () => randomInt(2 ** 47)),
});

canary(async () => {
  const { renewCryptoCaches } = load('fork/random/crypto-caches');
  const { binding } = load('base/binding');
  binding.random_fill = () => {}; // those that are found stay as they are
  randomUUID();
  randomInt(2 ** 47);
  const child = await inChild(() => {
    renewCryptoCaches([]);
    return draw();
  });
  const parent = draw();
  for (const name of ['ids', 'numbers']) {
    const seen = new Set(parent[name]);
    assert.deepEqual(
      child[name].filter((value) => seen.has(value)),
      [],
      `both processes drew the same ${name}`,
    );
  }
});
