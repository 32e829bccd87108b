// gc() takes the arguments that warmup() gives it, and a walk over the heap waits until all is swept: the young
// generation is small afterwards, and nothing is left to be swept.
const assert = require('node:assert/strict');
const { canary, ROOT, Running } = require('./helpers/canary');

const [KB_OF_SWEEPING, MB_AT_FIRST] = [1500, 1.5];

canary(async () => {
  const { text } = await new Running([`${ROOT}/test/fixtures/warmup/warmup.js`, 'warm']).ended;
  const { walk, young } = JSON.parse(text);
  assert(walk < KB_OF_SWEEPING, `${walk} KB are left to be swept`);
  assert(young < MB_AT_FIRST, `the young generation has ${young} MB`);
});
