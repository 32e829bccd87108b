// `serve.js way workers application port [warmup | rehearsal]`: a server with so many workers. The ways: prefork, prefork-perWorker,
// prefork-exclusive (the kernel wakes one worker for each connection: EPOLLEXCLUSIVE), cluster-rr, cluster-shared; alone: one process of somebody else's workers (the process manager's, PM2's), which finds the
// arguments in BENCH_SERVE. Prints one line of JSON when all workers listen:
// { parent, workers: [pid…] }, and ends with its standard input.
const cluster = require('node:cluster');
const { createServer } = require('node:http');
const applications = require('./application');

const [way, count, application, port] = process.env.BENCH_SERVE
  ? process.env.BENCH_SERVE.split(' ')
  : process.argv.slice(2);
const warmth = process.argv[6];
const makeListener = applications[application];

function tell(workers) {
  console.log(JSON.stringify({ parent: process.pid, workers }));
}

function endWithInput(workers) {
  process.stdin.resume().on('end', () => {
    for (const pid of workers) process.kill(pid, 'SIGKILL');
    process.exit();
  });
}

/** Of the same pages as will be asked for; a rehearsal ends with a warm-up. */
async function prepare(listener) {
  const { rehearse, warmup } = require('../..');
  applications.warm(application); // what the parent has optimised, its children inherit
  const paths = Array.from({ length: 200 }, (_, i) => `/${i}`);
  if (warmth === 'rehearsal') await rehearse(listener, { paths, requests: 3000 });
  if (warmth !== undefined) warmup();
}

async function prefork() {
  const { addSockets, bindSockets, fork } = require('../..');
  const perWorker = way === 'prefork-perWorker' ? { perWorker: Number(count) } : {};
  const sockets = bindSockets(Number(port), '127.0.0.1', { backlog: 4096, ...perWorker });
  const listener = makeListener();
  await prepare(listener);
  const workers = [];
  for (let id = 0; id < Number(count); id++) {
    const pid = fork();
    if (pid === 0) {
      const own = way === 'prefork-perWorker' ? sockets.filter((socket) => socket.worker === id) : sockets;
      for (const other of sockets) if (!own.includes(other)) other.close();
      addSockets(createServer(listener), own);
      if (way === 'prefork-exclusive') wakeOneOnly(own);
      applications.begin(application, id);
      return;
    }
    workers.push(pid);
  }
  endWithInput(workers);
  tell(workers);
}

/** The loop has to have begun to watch them. */
function wakeOneOnly(sockets) {
  const { watchExclusively } = require('../build/floor.node');
  setImmediate(() => setImmediate(() => sockets.map(({ fd }) => watchExclusively(fd))));
}

async function clustered() {
  if (cluster.isWorker) {
    applications.begin(application, cluster.worker.id - 1);
    createServer(makeListener()).listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 });
    return;
  }
  cluster.schedulingPolicy = way === 'cluster-rr' ? cluster.SCHED_RR : cluster.SCHED_NONE;
  const workers = [];
  let listening = 0;
  cluster.on('listening', () => {
    if (++listening < Number(count)) return;
    endWithInput(workers);
    tell(workers);
  });
  for (let i = 0; i < Number(count); i++) workers.push(cluster.fork().process.pid);
}

if (way === 'alone') {
  createServer(makeListener()).listen(Number(port), '127.0.0.1');
  applications.begin(application, Number(process.env.NODE_APP_INSTANCE));
} else if (way.startsWith('prefork')) prefork();
else clustered();
