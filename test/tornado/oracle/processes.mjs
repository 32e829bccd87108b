// prefork/multiprocessing, beside Python's multiprocessing. argv: one case.
import { readFileSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import * as mp from 'prefork/multiprocessing';
import * as os from 'prefork/os';

const { SIGKILL, SIGTERM, SIGUSR2 } = constants.signals;

const python = (value) => {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return value === null || value === undefined ? 'None' : String(value);
};

/** One write, which no other process's comes into. */
function say(...things) {
  writeSync(1, `${things.map(python).join(' ')}\n`);
}

/** What a call answers, or that it is refused. */
async function attempt(call) {
  try {
    say(await call());
  } catch (error) {
    const named = ['EOFError', 'Empty', 'Full', 'BrokenBarrierError'].includes(error.name);
    say(named ? error.name : error.code === 'EPIPE' ? 'EPIPE' : 'refused');
  }
}

async function start(work, options) {
  const process = new mp.Process(work, options);
  await process.start();
  return process;
}

async function run(work, options) {
  const process = await start(work, options);
  await process.join();
  return process.exitcode;
}

async function joinAll(processes) {
  for (const process of processes) await process.join();
  say(...processes.map(({ exitcode }) => exitcode));
}

async function times(count, make) {
  const made = [];
  for (let i = 0; i < count; i++) made.push(await make(i));
  return made;
}

function forever() {
  setInterval(() => {}, 1e9);
}

function killSelf(signal) {
  process.kill(process.pid, signal);
  forever();
}

function raise() {
  throw new Error('boom');
}

async function args() {
  say(await run((...given) => say(given[0], given[1], `[${given[2]}]`), { args: [1, 'two', [3]] }));
}

async function exits() {
  say(
    await run(() => process.exit()),
    await run(() => process.exit(0)),
    await run(() => process.exit(3)),
    await run(() => os._exit(4)),
  );
}

async function raises() {
  say(await run(raise));
}

async function raisesNamed() {
  say(await run(raise, { name: 'worker' }));
}

async function killed() {
  say(
    await run(() => killSelf(SIGKILL)),
    await run(() => killSelf(SIGTERM)),
    await run(() => killSelf(SIGUSR2)),
  );
}

async function ended() {
  const [one, other] = [await start(forever), await start(forever)];
  one.terminate();
  other.kill();
  await joinAll([one, other]);
  one.terminate();
  say(one.isAlive());
}

async function misused() {
  const process = new mp.Process(() => {});
  await attempt(() => process.join());
  say(process.exitcode, process.pid, process.isAlive());
  await process.start();
  await attempt(() => process.start());
  await process.join();
  await process.join();
  say(process.exitcode, process.pid === null, process.isAlive());
}

async function closed() {
  const process = await start(forever);
  await attempt(() => process.close());
  process.kill();
  await process.join();
  process.close();
  await attempt(() => process.isAlive());
  await attempt(() => process.join());
  process.close();
}

async function names() {
  const grandchild = () => say(mp.currentProcess().name);
  const child = async () => {
    say(mp.currentProcess().name, mp.parentProcess().name);
    await run(grandchild);
    await run(grandchild);
    await run(grandchild, { name: 'a name' });
  };
  say(mp.currentProcess().name, mp.parentProcess());
  await run(child);
  await run(child, { name: 'other' });
  const process = new mp.Process(() => {});
  say(process.name);
  process.name = 'third';
  say(process.name);
}

async function daemons() {
  const child = async () => {
    say(mp.currentProcess().daemon);
    await attempt(() => new mp.Process(forever).start());
  };
  say(await run(child, { daemon: true }));
  const process = await start(forever);
  try {
    process.daemon = true;
  } catch {
    say('refused');
  }
  process.kill();
  await process.join();
}

async function daemonAtExit() {
  await start(forever, { daemon: true });
  say('end');
}

async function joinedAtExit() {
  const [reader, writer] = mp.Pipe(false);
  await start(async () => {
    await reader.recv();
    say('child');
  });
  say('parent');
  writer.send(1);
}

async function joinedInChild() {
  const [reader, writer] = mp.Pipe(false);
  const grandchild = async () => {
    await reader.recv();
    say('grandchild');
  };
  const child = async () => {
    await start(forever, { daemon: true });
    await start(grandchild);
    say('child');
    writer.send(1);
  };
  say(await run(child));
}

async function joinTimeout() {
  const process = await start(forever);
  await process.join(0.05);
  say(process.exitcode, process.isAlive());
  await process.join(0);
  process.kill();
  await process.join(60);
  say(process.exitcode, process.isAlive());
}

async function active() {
  say(mp.activeChildren().length);
  const processes = await times(3, () => start(forever));
  say(mp.activeChildren().length, await run(() => say(mp.activeChildren().length)));
  for (const process of processes) {
    process.kill();
    await process.join();
  }
  say(mp.activeChildren().length);
}

async function memory() {
  const items = [1];
  await run(() => {
    items.push(2);
    say(items.length);
  });
  say(items.length);
}

async function standardInput() {
  await run(() => say(`'${readFileSync(0, 'utf8')}'`));
}

async function pipe() {
  const [here, there] = mp.Pipe();
  const process = await start(async () => there.send([await there.recv(), 'and back']));
  await here.send(1);
  say(...(await here.recv()));
  await joinAll([process]);
}

async function pipeOrder() {
  const [reader, writer] = mp.Pipe(false);
  const process = await start(async () => {
    for (let i = 0; i < 500; i++) await writer.send(i);
  });
  const all = await times(500, () => reader.recv());
  say(all.every((value, i) => value === i));
  await joinAll([process]);
}

async function pipeDirections() {
  const [reader, writer] = mp.Pipe(false);
  say(reader.readable, reader.writable, writer.readable, writer.writable);
  await attempt(() => reader.send(1));
  await attempt(() => writer.recv());
  await attempt(() => writer.poll());
}

async function pipeEnd() {
  const [reader, writer] = mp.Pipe(false);
  const process = await start(async () => {
    reader.close();
    await writer.send('last');
  });
  writer.close();
  say(await reader.recv());
  await attempt(() => reader.recv());
  say(await reader.poll());
  await joinAll([process]);
}

async function pipeBroken() {
  const [reader, writer] = mp.Pipe(false);
  reader.close();
  await attempt(() => writer.send(1));
  const [one, other] = mp.Pipe();
  other.close();
  await attempt(() => one.send(1));
  await attempt(() => one.recv());
}

async function pipePoll() {
  const [reader, writer] = mp.Pipe(false);
  say(await reader.poll(), await reader.poll(0.05));
  const process = await start(() => writer.send(1));
  say(await reader.poll(null), await reader.poll(60), await reader.recv(), await reader.poll());
  await joinAll([process]);
}

async function pipeLarge() {
  const [here, there] = mp.Pipe();
  const process = await start(async () => there.send(`${await there.recv()}!`));
  await here.send('x'.repeat(5_000_000));
  say((await here.recv()).length);
  await joinAll([process]);
}

async function pipeBytes() {
  const [here, there] = mp.Pipe();
  await here.sendBytes(Buffer.from('abc'));
  await here.sendBytes(Buffer.from(''));
  say((await there.recvBytes()).length, (await there.recvBytes()).length);
}

async function pipeClosed() {
  const [here] = mp.Pipe();
  say(here.closed);
  here.close();
  here.close();
  say(here.closed);
  await attempt(() => here.send(1));
  await attempt(() => here.recv());
  await attempt(() => here.fileno());
}

async function pipeTorn() {
  const [reader, writer] = mp.Pipe(false);
  const process = await start(() => {
    writeSync(writer.fileno(), Buffer.from('\0\0\0\x10abc'));
    killSelf(SIGKILL);
  });
  writer.close();
  await attempt(() => reader.recvBytes().catch((error) => Promise.reject({ ...error, name: '' })));
  await joinAll([process]);
}

async function lock() {
  const [guard, value] = [new mp.Lock(), new mp.Value('i', 0)];
  const child = async () => {
    for (let i = 0; i < 200; i++) {
      await guard.with(() => {
        value.value = value.value + 1;
      });
    }
  };
  await joinAll(await times(4, () => start(child)));
  say(value.value);
}

async function lockTimeout() {
  const guard = new mp.Lock();
  say(await guard.acquire(), guard.acquireSync(0), await guard.acquire(0.05));
  await run(async () => say(await guard.acquire(0), guard.acquireSync(0.05)));
  guard.release();
  await run(async () => {
    say(await guard.acquire(0));
    guard.release();
  });
}

async function lockRelease() {
  const guard = new mp.Lock();
  await attempt(() => guard.release());
  await guard.acquire();
  await run(() => guard.release());
  say(guard.acquireSync(0));
  guard.release();
  await attempt(() => guard.release());
}

async function rlock() {
  const guard = new mp.RLock();
  await attempt(() => guard.release());
  say(await guard.acquire(), await guard.acquire());
  const child = async () => {
    say(await guard.acquire(0));
    await attempt(() => guard.release());
  };
  await run(child);
  guard.release();
  await run(child);
  guard.release();
  await run(async () => {
    say(await guard.acquire(0));
    guard.release();
  });
  await attempt(() => guard.release());
}

async function semaphore() {
  const permits = new mp.Semaphore(2);
  say(
    permits.getValue(),
    await permits.acquire(),
    await permits.acquire(),
    await permits.acquire(0),
    permits.getValue(),
  );
  await run(() => permits.release());
  say(permits.getValue(), await permits.acquire(0.05), await permits.acquire(0.05));
  permits.release();
  permits.release();
  permits.release();
  say(permits.getValue());
}

async function semaphoreHandsOver() {
  const [permits, done] = [new mp.Semaphore(0), new mp.Semaphore(0)];
  const processes = await times(5, () =>
    start(async () => {
      await permits.acquire();
      done.release();
    }),
  );
  for (let i = 0; i < 5; i++) {
    permits.release();
    await done.acquire();
  }
  await joinAll(processes);
  say(permits.getValue(), done.getValue());
}

async function bounded() {
  const permits = new mp.BoundedSemaphore(2);
  await attempt(() => permits.release());
  await permits.acquire();
  permits.release();
  await attempt(() => permits.release());
  say(permits.getValue());
}

async function event() {
  const flag = new mp.Event();
  say(flag.isSet(), await flag.wait(0.05));
  const process = await start(async () => say(await flag.wait()));
  flag.set();
  await process.join();
  say(flag.isSet(), await flag.wait(), flag.waitSync(0.05));
  flag.clear();
  say(flag.isSet(), await flag.wait(0));
  await run(() => flag.set());
  say(flag.isSet());
}

async function condition() {
  const [change, value, ready] = [new mp.Condition(), new mp.Value('i', 0), new mp.Semaphore(0)];
  const child = (wanted) =>
    change.with(async () => {
      ready.release();
      await change.waitFor(() => value.value === wanted);
      say('saw', wanted);
      value.value += 1;
      change.notifyAll();
    });
  const processes = await times(3, (i) => start(child, { args: [3 - i] }));
  for (const _ of processes) await ready.acquire();
  await change.with(() => {
    value.value = 1;
    change.notifyAll();
  });
  await joinAll(processes);
}

async function conditionNotify() {
  const [change, told, waiting] = [new mp.Condition(), new mp.Value('i', 0), new mp.Semaphore(0)];
  const child = async () => {
    await change.with(async () => {
      waiting.release();
      await change.wait();
      told.value += 1;
    });
    waiting.release();
  };
  const processes = await times(4, () => start(child));
  for (const _ of processes) await waiting.acquire();
  for (const count of [1, 2]) {
    await change.with(() => change.notify(count));
    for (let i = 0; i < count; i++) await waiting.acquire();
    say(told.value);
  }
  await change.with(() => change.notifyAll());
  await joinAll(processes);
  say(told.value);
}

async function conditionErrors() {
  const change = new mp.Condition();
  await attempt(() => change.wait());
  await attempt(() => change.notify());
  await attempt(() => change.notifyAll());
  await change.with(async () => {
    say(await change.wait(0.05), await change.waitFor(() => false, 0.05), await change.waitFor(() => 7));
  });
  await attempt(() => change.release());
}

async function conditionRecursive() {
  const change = new mp.Condition();
  await change.acquire();
  await change.acquire();
  const process = await start(() => change.with(() => change.notify()));
  say(await change.wait());
  change.release();
  await run(async () => say(await change.acquire(0)));
  change.release();
  await attempt(() => change.release());
  await joinAll([process]);
}

async function barrier() {
  const [gate, total] = [new mp.Barrier(3), new mp.Value('i', 0)];
  const child = async () => {
    for (let i = 0; i < 20; i++) {
      const index = await gate.wait();
      await total.getLock().with(() => {
        total.value += index;
      });
    }
  };
  await joinAll(await times(3, () => start(child)));
  say(total.value, gate.parties, gate.nWaiting, gate.broken);
}

async function barrierAction() {
  const gate = new mp.Barrier(2, () => say('action'));
  const child = async () => {
    await gate.wait();
    await gate.wait();
  };
  await joinAll([await start(child), await start(child)]);
}

async function barrierBroken() {
  const gate = new mp.Barrier(2);
  await attempt(() => gate.wait(0.05));
  say(gate.broken);
  await attempt(() => gate.wait());
  gate.reset();
  say(gate.broken);
  const process = await start(() => attempt(() => gate.wait()));
  while (gate.nWaiting === 0);
  gate.abort();
  await joinAll([process]);
  say(gate.broken, gate.nWaiting);
}

async function barrierReset() {
  const gate = new mp.Barrier(2, null, 60);
  let process = await start(() => attempt(() => gate.wait()));
  while (gate.nWaiting === 0);
  gate.reset();
  await joinAll([process]);
  say(gate.broken, gate.nWaiting);
  process = await start(() => gate.wait());
  await gate.wait();
  await joinAll([process]);
}

async function barrierActionRaises() {
  const gate = new mp.Barrier(1, () => {
    throw Object.assign(new Error('boom'), { code: 'boom' });
  });
  await attempt(() => gate.wait());
  say(gate.broken);
}

async function values() {
  const [number, real, small] = [new mp.Value('i', 5), new mp.Value('d', 0.5), new mp.Value('b')];
  await run(() => {
    number.value += 1;
    real.value *= 3;
    small.value = 200;
  });
  say(number.value, real.value, small.value);
}

async function arrays() {
  const [zeros, given] = [new mp.SharedArray('i', 3), new mp.SharedArray('d', [1.5, 2.5])];
  await run(() => {
    for (let i = 0; i < 3; i++) zeros.getObj()[i] = i * i;
  });
  say(...zeros);
  say(given.length, ...given);
  await zeros.getLock().with(() => {
    zeros.getObj()[0] = 9;
  });
  say(zeros.getObj()[0]);
}

async function queues() {
  const messages = new mp.Queue();
  const process = await start(async () => {
    for (let i = 0; i < 5; i++) await messages.put(i * 10);
  });
  say(...(await times(5, () => messages.get())));
  await attempt(() => messages.get(0));
  await attempt(() => messages.get(0.05));
  say(messages.qsize(), messages.empty());
  await joinAll([process]);
}

async function queueFull() {
  const messages = new mp.Queue(2);
  await messages.put('a');
  messages.putSync('b');
  say(messages.full(), messages.qsize());
  await attempt(() => messages.put('c', 0));
  await attempt(() => messages.put('c', 0.05));
  await attempt(() => messages.putNowait('c'));
  say(await messages.get(60), messages.getSync(60), messages.full(), messages.qsize());
  await attempt(() => messages.getNowait());
}

async function queueWaits() {
  const messages = new mp.Queue(1);
  const process = await start(async () => {
    for (let i = 0; i < 20; i++) await messages.put(i);
  });
  say(...(await times(20, () => messages.get())));
  await joinAll([process]);
}

async function queueMany() {
  const [tasks, results] = [new mp.Queue(4), new mp.Queue()];
  const child = async () => {
    for (let task = await tasks.get(); task !== null; task = await tasks.get()) await results.put(task * 2);
  };
  const processes = await times(3, () => start(child));
  for (let i = 0; i < 200; i++) await tasks.put(i);
  for (const _ of processes) await tasks.put(null);
  const all = await times(200, () => results.get());
  say(all.reduce((one, other) => one + other));
  await joinAll(processes);
}

async function queueLarge() {
  const messages = new mp.Queue();
  const process = await start(() => messages.put('x'.repeat(3_000_000)));
  say((await messages.get()).length);
  await joinAll([process]);
}

async function queueOutlives() {
  const messages = new mp.Queue();
  say(await run(() => messages.put('from who has ended')));
  say(await messages.get());
}

async function queueClosed() {
  const messages = new mp.Queue();
  await run(() => messages.close());
  await messages.put(1);
  say(await messages.get());
  messages.close();
  await attempt(() => messages.put(1));
  await attempt(() => messages.get());
  messages.close();
}

async function joinable() {
  const [tasks, done] = [new mp.JoinableQueue(), new mp.Value('i', 0)];
  const child = async () => {
    for (;;) {
      await tasks.get();
      done.value += 1;
      tasks.taskDone();
    }
  };
  await start(child, { daemon: true });
  for (let i = 0; i < 20; i++) await tasks.put(i);
  await tasks.join();
  say(done.value);
  await tasks.join();
  await attempt(() => tasks.taskDone());
}

async function simple() {
  const messages = new mp.SimpleQueue();
  say(messages.empty());
  await run(() => messages.put([1]));
  say(messages.empty(), ...(await messages.get()), messages.empty());
}

async function waits() {
  const [reader, writer] = mp.Pipe(false);
  const process = await start(forever);
  const both = [reader, process.sentinel];
  const are = (found, wanted) => found.length === 1 && found[0] === wanted;
  say((await mp.wait(both, 0)).length, (await mp.wait(both, 0.05)).length);
  await writer.send(1);
  say(are(await mp.wait(both), reader));
  await reader.recv();
  process.kill();
  say(are(await mp.wait(both), process.sentinel));
  await process.join();
  say(are(await mp.wait(both, 0), process.sentinel));
  await attempt(() => new mp.Process(() => {}).sentinel);
}

async function forked() {
  const [guard, flag, messages] = [new mp.Lock(), new mp.Event(), new mp.SimpleQueue()];
  await guard.acquire();
  const pid = os.fork();
  if (pid === 0) {
    say(guard.acquireSync(0));
    await flag.wait();
    messages.put('from fork()');
    os._exit(0);
  }
  flag.set();
  say(await messages.get());
  guard.release();
  say(os.waitstatusToExitcode((await os.waitpidAsync(pid))[1]));
}

const CASES = {
  'process: arguments': args,
  'process: exits': exits,
  'process: raises': raises,
  'process: raises, with a name': raisesNamed,
  'process: killed': killed,
  'process: terminate and kill': ended,
  'process: misused': misused,
  'process: closed': closed,
  'process: names': names,
  'process: daemons': daemons,
  'process: a daemon at exit': daemonAtExit,
  'process: joined at exit': joinedAtExit,
  "process: joined at a child's exit": joinedInChild,
  'process: join with a timeout': joinTimeout,
  'process: active children': active,
  'process: memory': memory,
  'process: standard input': standardInput,
  'pipe: both ways': pipe,
  'pipe: in order': pipeOrder,
  'pipe: directions': pipeDirections,
  'pipe: its end': pipeEnd,
  'pipe: broken': pipeBroken,
  'pipe: poll': pipePoll,
  'pipe: large': pipeLarge,
  'pipe: bytes': pipeBytes,
  'pipe: closed': pipeClosed,
  'pipe: torn': pipeTorn,
  'lock: one at a time': lock,
  'lock: timeouts': lockTimeout,
  'lock: released by others': lockRelease,
  rlock,
  semaphore,
  'semaphore: hands over': semaphoreHandsOver,
  'semaphore: bounded': bounded,
  event,
  'condition: wait_for': condition,
  'condition: notify': conditionNotify,
  'condition: errors': conditionErrors,
  'condition: recursive': conditionRecursive,
  barrier,
  'barrier: action': barrierAction,
  'barrier: broken': barrierBroken,
  'barrier: reset': barrierReset,
  'barrier: an action that raises': barrierActionRaises,
  value: values,
  array: arrays,
  queue: queues,
  'queue: full': queueFull,
  'queue: waits for room': queueWaits,
  'queue: many': queueMany,
  'queue: large': queueLarge,
  'queue: outlives': queueOutlives,
  'queue: closed': queueClosed,
  'queue: joinable': joinable,
  'queue: simple': simple,
  wait: waits,
  'fork()': forked,
};

await CASES[process.argv[2]]();
