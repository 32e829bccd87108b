// `parallel.js first WAY MEGABYTES`: two children or threads that each look into that many megabytes of objects. Prints
// { first, all, still, memory }: milliseconds from nothing to the first and to the last of 100 results, for how long the event
// loop stood still meanwhile, and the megabytes (PSS) of all processes then.
//
// `parallel.js tasks WAY COUNT MILLISECONDS`: so many tasks of so many milliseconds each, and small arguments, by two children
// or threads; those of the others are warm. Prints { all }.
//
// Ways: prefork (Pool.map), prefork-imap, piscina, tinypool, workerpool, worker_threads, child_process.
const { fork } = require('node:child_process');
const { readdirSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const { isMainThread, parentPort, Worker, workerData } = require('node:worker_threads');

const CHILDREN = 2;
const QUESTIONS = 100;

/** Objects of some 100 bytes each, as V8 has them. */
const makeInput = (megabytes) =>
  Array.from({ length: (megabytes * 2 ** 20) / 100 }, (_, id) => ({ id, name: `name ${id}`, price: id / 7 }));

/** Of the task: an answer that takes some looking up. */
const lookUp = (input, question) => {
  let sum = 0;
  for (let i = question; i < input.length; i += QUESTIONS) sum += input[i].price;
  return sum;
};

const spin = (milliseconds) => {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
  return milliseconds;
};

// --- what runs in a thread, or in a child of node:child_process ---

let input = workerData?.[1]?.input ?? workerData?.input; // piscina and tinypool hand it on in different places
const answer = (task) => (typeof task === 'number' ? spin(task) : lookUp(input, task.question));

module.exports = answer; // what piscina and tinypool call

function serve() {
  if (process.env.PARALLEL_CHILD) {
    process.on('message', ({ input: given, task }) => {
      if (given !== undefined) input = given;
      else process.send(answer(task));
    });
  } else if (workerData?.serves) {
    parentPort.on('message', (task) => parentPort.postMessage(answer(task)));
  } else if (workerData?.workerpool) {
    const { worker } = require('workerpool');
    input = workerData.input;
    worker({ answer });
  }
}

// --- the ways: each begins with the input, answers tasks, and reports each answer ---

/** Whoever is free takes the next task. */
async function inTurns(tasks, workers, told) {
  let next = 0;
  const go = async (ask) => {
    while (next < tasks.length) told(await ask(tasks[next++]));
  };
  await Promise.all(workers.map(go));
}

/** By a library's own queue. */
const queued = (run, close) => ({
  run: (tasks, told) => Promise.all(tasks.map(async (task) => told(await run(task)))),
  close,
});

const WAYS = {
  prefork(given) {
    const { Pool } = require('../../dist/parallel');
    const pool = new Pool({ processes: CHILDREN });
    input = given;
    return {
      run: async (tasks, told) => (await pool.map(tasks, answer)).forEach(told),
      close: () => pool.close(),
    };
  },
  'prefork-imap'(given) {
    const { Pool } = require('../../dist/parallel');
    const pool = new Pool({ processes: CHILDREN });
    input = given;
    return {
      async run(tasks, told) {
        for await (const value of pool.imapUnordered(tasks, answer)) told(value);
      },
      close: () => pool.close(),
    };
  },
  piscina(given) {
    const { Piscina } = require('piscina');
    const options = { filename: __filename, minThreads: CHILDREN, maxThreads: CHILDREN };
    const pool = new Piscina({ ...options, workerData: { input: given } });
    return queued(
      (task) => pool.run(task),
      () => pool.destroy(),
    );
  },
  async tinypool(given) {
    const { Tinypool } = await import('tinypool');
    const options = { filename: __filename, minThreads: CHILDREN, maxThreads: CHILDREN };
    const pool = new Tinypool({ ...options, workerData: { input: given } });
    return queued(
      (task) => pool.run(task),
      () => pool.destroy(),
    );
  },
  workerpool(given) {
    const { pool: makePool } = require('workerpool');
    const workerThreadOpts = { workerData: { workerpool: true, input: given } };
    const options = { minWorkers: CHILDREN, maxWorkers: CHILDREN, workerType: 'thread', workerThreadOpts };
    const pool = makePool(__filename, options);
    return queued(
      (task) => pool.exec('answer', [task]),
      () => pool.terminate(),
    );
  },
  worker_threads(given) {
    const start = () => new Worker(__filename, { workerData: { serves: true, input: given } });
    const workers = Array.from({ length: CHILDREN }, start);
    const asks = workers.map((worker) => (task) => {
      worker.postMessage(task);
      return new Promise((resolve) => worker.once('message', resolve));
    });
    return {
      run: (tasks, told) => inTurns(tasks, asks, told),
      close: () => Promise.all(workers.map((worker) => worker.terminate())),
    };
  },
  child_process(given) {
    const env = { ...process.env, PARALLEL_CHILD: '1' };
    const children = Array.from({ length: CHILDREN }, () =>
      fork(__filename, { env, serialization: 'advanced' }),
    );
    for (const child of children) child.send({ input: given ?? null });
    const asks = children.map((child) => (task) => {
      child.send({ task });
      return new Promise((resolve) => child.once('message', resolve));
    });
    return {
      run: (tasks, told) => inTurns(tasks, asks, told),
      close: () => children.map((child) => child.kill()),
    };
  },
};

// --- measuring ---

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

function descendants(pid) {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(join('/proc', String(pid), 'task', thread, 'children'), 'latin1')
      .split(' ')
      .filter(Boolean),
  );
  return [pid, ...children.flatMap((child) => descendants(Number(child)))];
}

/** What all processes take together: a page that two share counts half for each. */
function memoryNow() {
  const kilobytes = descendants(process.pid).map((pid) => {
    try {
      return Number(/^Pss: +(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1] ?? 0);
    } catch {
      return 0; // it has ended
    }
  });
  return kilobytes.reduce((sum, each) => sum + each, 0) / 1024;
}

async function first(way, megabytes) {
  const given = makeInput(megabytes);
  const tasks = Array.from({ length: QUESTIONS }, (_, question) => ({ question }));
  const begin = performance.now();
  const stopWatching = watchLoop();
  const measured = {};
  let count = 0;
  const { run, close } = await way(given);
  await run(tasks, () => {
    measured.first ??= performance.now() - begin;
    count++;
    if (count === QUESTIONS / 2) measured.memory = memoryNow();
  });
  measured.all = performance.now() - begin;
  measured.still = stopWatching();
  if (count !== QUESTIONS) throw new Error(`${count} answers`);
  await close();
  return measured;
}

async function tasks(way, count, milliseconds) {
  const list = Array(count).fill(milliseconds);
  const { run, close } = await way(undefined);
  await run(list.slice(0, 20), () => {}); // all are warm, and have been asked before
  const begin = performance.now();
  await run(list, () => {});
  const all = performance.now() - begin;
  await close();
  return { all };
}

async function main() {
  const [what, name, ...numbers] = process.argv.slice(2);
  const measured = await { first, tasks }[what](WAYS[name], ...numbers.map(Number));
  console.log(JSON.stringify(measured));
  process.exit();
}

if (isMainThread && require.main === module && !process.env.PARALLEL_CHILD) main();
else serve();
