// `process.moduleLoadList` tells whether node:http and node:tls have been loaded.
const assert = require('node:assert/strict');
const { canary, load } = require('./helpers/canary');

canary(() => {
  load();
  const isLoaded = (name) => process.moduleLoadList.includes(`NativeModule ${name}`);
  assert.deepEqual([isLoaded('http'), isLoaded('tls')], [false, false]);
  require('node:http');
  assert.equal(isLoaded('http'), true);
  require('node:tls');
  assert.equal(isLoaded('tls'), true);
});
