// `node --require test/helpers/gather-heap.js …`, or in NODE_OPTIONS: the heap is gathered from the start; with
// GATHER_HEAP=huge it is moved onto huge pages five times a second, whatever else is going on.
const { isMainThread } = require('node:worker_threads');

function gather() {
  const { gatherHeap } = require('../..');
  const { gathered, reason } = gatherHeap();
  if (!gathered) throw new Error(reason);
}

function keepMoving() {
  const { binding } = require('../../dist/base/binding');
  setInterval(() => binding.heap_to_huge_pages(1000), 200).unref();
}

// Worker threads have theirs gathered without it.
if (isMainThread) gather();
if (isMainThread && process.env.GATHER_HEAP === 'huge') keepMoving();
