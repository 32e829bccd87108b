// `ready.js way rounds [application]`: from the call to a worker that listens, and to its first line. The ways: prefork, after
// warmup(); prefork-cold, without; cluster; child_process (which has no server to share: first line only). Prints { line: [ms…], listening: [ms…] }.
const firstLine = process.hrtime.bigint();
const childProcess = require('node:child_process');
const cluster = require('node:cluster');
const { once } = require('node:events');
const { createServer } = require('node:http');

const applications = require('./application');

const [way, rounds] = [process.argv[2], Number(process.argv[3])];
const application = process.env.BENCH_APPLICATION ?? process.argv[4] ?? 'trivial';
process.env.BENCH_APPLICATION = application; // for the workers of a cluster
const milliseconds = (begin, end) => Number(BigInt(end) - BigInt(begin)) / 1e6;

async function timeNewProcess(start) {
  const begin = process.hrtime.bigint();
  const worker = start();
  const [{ line, listening }] = await once(worker, 'message');
  worker.kill('SIGKILL');
  await once(worker, 'exit');
  return { line: milliseconds(begin, line), listening: milliseconds(begin, listening) };
}

function tellTimes() {
  process.send({ line: String(firstLine), listening: String(process.hrtime.bigint()) });
}

const { _exit, addSockets, bindSockets, fork, pipe, waitpidAsync, warmup } = require('../..');
const { readSync, writeSync } = require('node:fs');
const forks = way.startsWith('prefork');
const sockets = forks ? bindSockets(0, '127.0.0.1') : [];
const [readingEnd, writingEnd] = forks ? pipe() : [];

const listener = forks ? applications[application]() : undefined;
if (way === 'prefork') warmup();

/** Two numbers of eight bytes each. */
const times = new BigInt64Array(2);

function serveAndTell() {
  times[0] = process.hrtime.bigint();
  const server = createServer(listener);
  addSockets(server, sockets);
  server.once('listening', () => {
    times[1] = process.hrtime.bigint();
    writeSync(writingEnd, times);
    _exit(0);
  });
}

/** `null` in the child, which goes on in its event loop. */
function timePrefork() {
  const begin = process.hrtime.bigint();
  const pid = fork();
  if (pid === 0) {
    serveAndTell();
    return null;
  }
  readSync(readingEnd, times);
  const result = { line: milliseconds(begin, times[0]), listening: milliseconds(begin, times[1]) };
  return waitpidAsync(pid).then(() => result);
}

const ways = {
  prefork: timePrefork,
  'prefork-cold': timePrefork,
  cluster: () => timeNewProcess(() => cluster.fork()),
  child_process: () => timeNewProcess(() => childProcess.fork(__filename, ['child'])),
};

async function main() {
  const results = [];
  for (let i = 0; i <= rounds; i++) {
    const result = ways[way]();
    if (result === null) return; // a child
    results.push(await result);
  }
  results.shift();
  const line = results.map((each) => each.line);
  const listening = results.map((each) => each.listening);
  console.log(JSON.stringify(way === 'child_process' ? { line } : { line, listening }));
}

if (way === 'child') tellTimes();
else if (cluster.isWorker) createServer(applications[application]()).listen(0, '127.0.0.1', tellTimes);
else main();
