// Calls of process.nextTick wait in a queue of a known form, which it closes over: a stream that is yet to be opened is there.
const assert = require('node:assert/strict');
const { createWriteStream } = require('node:fs');
const { canary, load, skip } = require('./helpers/canary');

canary(() => {
  if (!process.features.inspector) skip('this Node has no inspector');
  const { areStreamsWaiting } = load('manager/template/unwritten');
  const stream = createWriteStream('/dev/null');
  assert.equal(areStreamsWaiting(), false, 'nothing has been written');
  stream.write('a line');
  assert.equal(areStreamsWaiting(), true, 'the tick was not found');
});
