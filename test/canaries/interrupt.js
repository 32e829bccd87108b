// V8 can be asked, by two functions that are looked up by their names, to interrupt JavaScript that does not end.
const assert = require('node:assert/strict');
const { canary, load } = require('./helpers/canary');

canary(() => {
  const WORD = 100;
  const { binding } = load('base/binding');
  const words = new Int32Array(binding.shared_memory());
  let stack = '';
  let isAtRest = true;
  // Not a variable: Node 24 takes one that has never changed for a constant while a loop goes on.
  const reports = new Int32Array(1);
  const report = (_, rests) => {
    stack = new Error().stack;
    isAtRest = rests;
    Atomics.add(reports, 0, 1);
  };
  assert.equal(binding.stack_report_on_request(WORD, report), 0, 'this V8 cannot be asked');
  binding.stack_request(WORD, 1);
  const turnsEndlessly = () => {
    for (const giveUpAt = Date.now() + 30_000; Atomics.load(reports, 0) === 0 && Date.now() < giveUpAt; );
  };
  turnsEndlessly();
  assert.match(stack, /turnsEndlessly/);
  assert.equal(isAtRest, false);
  assert.equal(words[WORD], 0);
});
