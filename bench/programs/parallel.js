// `parallel.js megabytes rounds [way…]`: one function over that many megabytes of objects, in another process or thread: what
// it takes from the call to the result, and how long the event loop stands still meanwhile.
// Ways: inChild, worker_threads (a new one), child_process (a new one), piscina (kept, if it is installed).
// Prints { way: { result: [ms…], still: [ms…] } }.
const { fork } = require('node:child_process');
const { isMainThread, parentPort, Worker, workerData } = require('node:worker_threads');

const [megabytes, rounds] = process.argv.slice(2, 4).map(Number);
const ways = process.argv.slice(4);

/** Objects of some 100 bytes each, as V8 has them. */
const makeInput = () =>
  Array.from({ length: (megabytes * 2 ** 20) / 100 }, (_, id) => ({ id, name: `name ${id}`, price: id / 7 }));

const compute = (input) => input.reduce((sum, { price }) => sum + price, 0);

if (process.env.PARALLEL_CHILD) {
  process.on('message', (input) => process.send(compute(input), () => process.exit()));
} else if (isMainThread && require.main === module) {
  main();
} else if (workerData?.input !== undefined) {
  parentPort.postMessage(compute(workerData.input));
}

module.exports = compute; // what piscina calls

function piscina() {
  try {
    const { Piscina } = require('piscina');
    const pool = new Piscina({ filename: __filename, maxThreads: 1, minThreads: 1 });
    return (input) => pool.run(input);
  } catch {
    return undefined;
  }
}

function allWays() {
  const { inChild } = require('../../dist/parallel');
  return {
    inChild: (input) => inChild(() => compute(input)),
    worker_threads: (input) =>
      new Promise((resolve, reject) => {
        new Worker(__filename, { workerData: { input } }).on('message', resolve).on('error', reject);
      }),
    child_process: (input) =>
      new Promise((resolve) => {
        const child = fork(__filename, {
          env: { ...process.env, PARALLEL_CHILD: '1' },
          serialization: 'advanced',
        });
        child.on('message', resolve);
        child.send(input);
      }),
    piscina: piscina(),
  };
}

/** The longest time for which no timer of one millisecond was called. */
function watchLoop() {
  let last = performance.now();
  let longest = 0;
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  return () => {
    clearInterval(timer);
    return Math.max(longest, performance.now() - last);
  };
}

async function measure(call, input) {
  const begin = performance.now();
  const stopWatching = watchLoop();
  const value = await call(input);
  const result = { result: performance.now() - begin, still: stopWatching() };
  if (value !== compute(input)) throw new Error('another result');
  return result;
}

async function main() {
  const input = makeInput();
  const measured = {};
  for (const [way, call] of Object.entries(allWays())) {
    if (call === undefined || (ways.length > 0 && !ways.includes(way))) continue;
    await measure(call, input);
    measured[way] = { result: [], still: [] };
    for (let i = 0; i < rounds; i++) {
      const { result, still } = await measure(call, input);
      measured[way].result.push(result);
      measured[way].still.push(still);
    }
  }
  console.log(JSON.stringify(measured));
  process.exit();
}
