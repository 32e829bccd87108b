// A diagnostics channel has its subscribers in `_subscribers`, in their order, so that they can be called one by one.
const assert = require('node:assert/strict');
const { channel } = require('node:diagnostics_channel');
const { canary } = require('./helpers/canary');

canary(() => {
  const called = [];
  const subscribers = [() => called.push('first'), () => called.push('second')];
  for (const each of subscribers) channel('prefork:canary').subscribe(each);
  assert.deepEqual(channel('prefork:canary')._subscribers, subscribers);
  channel('prefork:canary').unsubscribe(subscribers[0]);
  assert.deepEqual(channel('prefork:canary')._subscribers, [subscribers[1]]);
  assert.deepEqual(called, []);
});
