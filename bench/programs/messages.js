// `messages.js count size posts`: what it costs that four processes hear so many messages of so many bytes from one of them, which
// posts so many in each turn of its loop. As the application of `prefork -w 4` by broadcast(); else by node:cluster, where the
// primary passes on what a worker sends. Prints { sender, receiver, between }: microseconds of processor time for each message.
const cluster = require('node:cluster');
const { createServer } = require('node:http');

const [count, size, posts] = process.argv.slice(2).map(Number);
const WORKERS = 4;
const OTHERS = WORKERS - 1;

function used() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** What one of them does: `post` reaches all others, and `done` gets what it has cost. */
function begin(isSender, post, done) {
  const text = 'x'.repeat(size);
  const costs = [];
  let here = 0;
  let before = 0;
  const send = (left) => {
    for (let i = 0; i < Math.min(posts, left); i++) post({ text });
    if (left > posts) setImmediate(send, left - posts);
    else finish();
  };
  const finish = () => {
    costs.push(used() - before);
    post({ over: true });
  };
  const receive = (message) => {
    if (message.here && isSender) {
      here += 1;
      if (here < OTHERS) return;
      // The one that begins is first told to itself: what a message costs at first is no news.
      post({ begins: true });
      before = used();
      send(count);
    } else if (message.begins) before = used();
    else if (message.over && !isSender) post({ cost: used() - before });
    else if (message.cost !== undefined && isSender) {
      costs.push(message.cost);
      if (costs.length === WORKERS) done({ sender: costs[0], receiver: costs.slice(1) });
    }
  };
  if (!isSender) post({ here: true });
  return receive;
}

function print({ sender, receiver }, between) {
  const each = (cost) => cost / count;
  console.log(
    JSON.stringify({
      sender: each(sender),
      receiver: each(receiver.reduce((sum, cost) => sum + cost, 0) / receiver.length),
      between: each(between),
    }),
  );
}

/** No cost of the manager: it has no part in it. */
function byBroadcast() {
  const { broadcast, worker } = require('../..');
  const channel = broadcast('bench');
  createServer().listen(0, '127.0.0.1', () => {
    // All have their bells by then.
    setTimeout(
      () => {
        const receive = begin(
          worker().id === 0,
          (message) => channel.postMessage(message),
          (costs) => {
            print(costs, 0);
            process.kill(process.ppid, 'SIGTERM');
          },
        );
        channel.onmessage = ({ data }) => receive(data);
      },
      worker().id === 0 ? 500 : 1000,
    );
  });
}

function byCluster() {
  if (cluster.isWorker) {
    const receive = begin(
      cluster.worker.id === 1,
      (message) => process.send(message),
      (costs) => process.send({ costs }),
    );
    process.on('message', receive);
    return;
  }
  const workers = Array.from({ length: WORKERS }, () => cluster.fork());
  let before = 0;
  let between = 0;
  for (const worker of workers) {
    worker.on('message', (message) => {
      if (message.costs) {
        print(message.costs, between);
        for (const each of workers) each.kill();
        return;
      }
      if (message.begins) before = used();
      if (message.over) between = used() - before;
      for (const other of workers) if (other !== worker) other.send(message);
    });
  }
}

if (process.env.PREFORK_BENCH) byBroadcast();
else byCluster();
