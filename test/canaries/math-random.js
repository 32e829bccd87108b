// V8 keeps the state of Math.random in three slots of each context, which are found and renewed.
const assert = require('node:assert/strict');
const { canary, inChild, load } = require('./helpers/canary');

canary(async () => {
  const { random } = Math;
  const { binding } = load('base/binding');
  load();
  assert.equal(binding.random_is_known(), true, 'the state was not found: children get another function');
  random();
  const draw = () => Array.from({ length: 200 }, random);
  const child = await inChild(() => {
    assert.equal(Math.random, random);
    return draw();
  });
  const seen = new Set(draw());
  assert.deepEqual(
    child.filter((number) => seen.has(number)),
    [],
  );
});
