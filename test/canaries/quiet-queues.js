// setTimeout, setImmediate and nextTick close over Node's queues, and what is in these can be cleared by public functions.
const assert = require('node:assert/strict');
const { canary, load, skip } = require('./helpers/canary');

canary(async () => {
  if (!process.features.inspector) skip('this Node has no inspector');
  const { findQueues, dropQueues } = load('fork/quiet-queues');
  assert.ok(findQueues(), 'the queues were not found');
  const called = [];
  setTimeout(() => called.push('a timer'), 1);
  setInterval(() => called.push('an interval'), 1);
  setImmediate(() => called.push('an immediate'));
  process.nextTick(() => called.push('a tick'));
  dropQueues();
  await new Promise((resolve) => setTimeout(resolve, 5));
  await new Promise(setImmediate);
  assert.deepEqual(called, []);
});
