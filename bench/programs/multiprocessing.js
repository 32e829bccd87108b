// `multiprocessing.js WHAT COUNT [BYTES]`: what processes share, by prefork/multiprocessing. Prints { each }: microseconds of one
// of COUNT. `cpython_multiprocessing.py` does the same with Python's. What: `lock`: acquire and release, with nobody else; `contended`:
// the same in two processes at a time, of both together; `queue`: a message from one process to another; `pipe`: one there
// and back; `process`: start and join.
const { Barrier, Lock, Pipe, Process, Queue, Value } = require('../../dist/multiprocessing');

const [what, ...numbers] = process.argv.slice(2);
const [count, bytes = 0] = numbers.map(Number);

async function timed(work) {
  const begin = performance.now();
  await work();
  return ((performance.now() - begin) * 1000) / count;
}

async function inProcess(work, meanwhile) {
  const child = new Process(work);
  await child.start();
  const value = await meanwhile();
  await child.join();
  return value;
}

const WAYS = {
  async lock() {
    const lock = new Lock();
    return timed(() => {
      for (let i = 0; i < count; i++) {
        lock.acquireSync();
        lock.release();
      }
    });
  },
  async contended() {
    const [lock, value, barrier] = [new Lock(), new Value('i'), new Barrier(2)];
    const half = async () => {
      await barrier.wait();
      for (let i = 0; i < count / 2; i++) {
        lock.acquireSync();
        value.value++;
        lock.release();
      }
      await barrier.wait();
    };
    return inProcess(half, () => timed(half));
  },
  async queue() {
    const queue = new Queue(100);
    const message = Buffer.alloc(bytes, 1);
    const put = async () => {
      for (let i = 0; i <= count; i++) await queue.put(message);
    };
    return inProcess(put, async () => {
      await queue.get(); // the other has begun
      return timed(async () => {
        for (let i = 0; i < count; i++) await queue.get();
      });
    });
  },
  async pipe() {
    const [here, there] = Pipe();
    const message = Buffer.alloc(bytes, 1);
    const echo = async () => {
      for (let i = 0; i <= count; i++) await there.send(await there.recv());
    };
    const ask = async () => {
      await here.send(message);
      await here.recv();
    };
    return inProcess(echo, async () => {
      await ask();
      return timed(async () => {
        for (let i = 0; i < count; i++) await ask();
      });
    });
  },
  async process() {
    const one = () =>
      inProcess(
        () => {},
        () => {},
      );
    await one(); // what is found out once
    return timed(async () => {
      for (let i = 0; i < count; i++) await one();
    });
  },
};

WAYS[what]().then((each) => console.log(JSON.stringify({ each })));
