// V8 asks for the pages of its heap by the executable's own table of calls, at addresses that are multiples of 256 KB; the
// kernel moves them onto huge pages when it is told to.
const assert = require('node:assert/strict');
const { canary, load, skip } = require('./helpers/canary');
const { gathered, sizeOf, sum } = require('../fixtures/warmup/heap-maps');

const MB = 2 ** 20;

canary(() => {
  const { gatherHeap, warmup } = load();
  const { gathered: isGathered, reason } = gatherHeap();
  assert(isGathered || reason === 'this is not glibc', reason);
  if (!isGathered) skip(reason);
  const before = process.memoryUsage().heapTotal;
  globalThis.kept = Array.from({ length: 1_000_000 }, (_, i) => ({ i, text: `text ${i}` }));
  const grown = process.memoryUsage().heapTotal - before;
  const inRange = sizeOf(gathered());
  assert(grown > 50 * MB && inRange > grown / 2, `of ${grown} bytes ${inRange} are gathered`);
  warmup();
  const huge = sum(gathered().map(({ huge: bytes }) => bytes));
  if (huge === 0) skip('the kernel has no huge pages free, or is older than 6.1');
});
