// `process.moduleLoadList` tells which of Node's modules have been loaded, internal ones, too.
const assert = require('node:assert/strict');
const { canary, load } = require('./helpers/canary');

/** What is asked for, and what has it loaded. */
const NAMES = [
  ['http', 'node:http'],
  ['tls', 'node:tls'],
  ['dns', 'node:dns'],
  ['cluster', 'node:cluster'],
  ['internal/crypto/random', 'node:crypto'],
  ['internal/child_process', 'node:child_process'],
];

canary(() => {
  load();
  const isLoaded = (name) => process.moduleLoadList.includes(`NativeModule ${name}`);
  assert.equal(isLoaded('cluster'), false);
  assert.equal(isLoaded('tls'), false);
  for (const [name, module] of NAMES) {
    require(module);
    assert.equal(isLoaded(name), true, name);
  }
});
