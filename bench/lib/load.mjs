/** Servers to be measured, and the load on them. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { BENCH, BUILD, PROGRAMS } from './places.mjs';

const PM2 = `${BENCH}/node_modules/pm2/bin/pm2`;
const PM2_ENVIRONMENT = { ...process.env, PM2_HOME: `${BUILD}/pm2` };

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

function isReachable(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

async function untilReachable(port) {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (await isReachable(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nobody listens on ${port}`);
}

async function startOwn(way, workers, application, port, flags) {
  const program = [`${PROGRAMS}/serve.js`, way, workers, application, port, ...flags];
  const child = spawn(process.execPath, ['--max-old-space-size=8000', ...program.map(String)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const { value } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  if (value === undefined) throw new Error(`${way} did not start`);
  const stop = async () => {
    child.stdin.end();
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  };
  return { port, ...JSON.parse(value), stop };
}

function pm2(args, environment = PM2_ENVIRONMENT) {
  return execFileSync(process.execPath, [PM2, ...args.map(String)], { env: environment, encoding: 'utf8' });
}

async function startPm2(workers, application, port) {
  pm2(['start', `${PROGRAMS}/serve.js`, '-i', workers, '--name', 'bench', '--silent'], {
    ...PM2_ENVIRONMENT,
    BENCH_SERVE: `alone ${workers} ${application} ${port}`,
  });
  await untilReachable(port);
  const list = JSON.parse(
    pm2(['jlist', '--silent'])
      .split('\n')
      .find((line) => line.startsWith('[')),
  );
  const stop = async () => {
    pm2(['kill', '--silent']);
    rmSync(PM2_ENVIRONMENT.PM2_HOME, { recursive: true, force: true });
  };
  const parent = Number(readFileSync(`${PM2_ENVIRONMENT.PM2_HOME}/pm2.pid`, 'utf8'));
  return { port, parent, workers: list.map(({ pid }) => pid), stop };
}

async function workersOf(pid, count, isWorker = () => true) {
  let children = [];
  for (let attempt = 0; attempt < 300; attempt++) {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    children = text === '' ? [] : text.split(' ').map(Number);
    const workers = children.filter(isWorker);
    if (workers.length === count) return workers;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${pid} should have ${count} workers but its children are ${children.join(', ')}`);
}

/** A manager has its template for a child, too. */
function isPreforkWorker(pid) {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('prefork: worker ');
}

/** For a parent that ends its workers when it gets SIGTERM. */
async function parentOf(workers, child, port, isWorker) {
  await untilReachable(port);
  const children = await workersOf(child.pid, workers, isWorker);
  const stop = async () => {
    child.kill();
    await once(child, 'exit');
  };
  return { port, parent: child.pid, workers: children, stop };
}

async function startGunicorn(workers, port) {
  const args = [
    '--preload',
    '-k',
    'tornado',
    '-w',
    workers,
    '-b',
    `127.0.0.1:${port}`,
    '--log-level',
    'error',
  ];
  const child = spawn('/usr/bin/gunicorn', [...args.map(String), '--chdir', PROGRAMS, 'wsgi:application'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return parentOf(workers, child, port);
}

async function startTornado(workers, port) {
  const child = spawn('/usr/bin/python3', [`${PROGRAMS}/tornado_server.py`, String(workers), String(port)], {
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
  });
  await untilReachable(port);
  const children = await workersOf(child.pid, workers);
  const stop = async () => {
    process.kill(-child.pid, 'SIGKILL');
    await once(child, 'exit');
  };
  return { port, parent: child.pid, workers: children, stop };
}

/** One process of plain Node, which is its own worker. */
async function startPlain(application, port) {
  const child = spawn(process.execPath, ['--max-old-space-size=8000', `${PROGRAMS}/serve.js`], {
    env: { ...process.env, BENCH_SERVE: `alone 1 ${application} ${port}` },
    stdio: 'ignore',
  });
  await untilReachable(port);
  const stop = async () => {
    child.kill();
    await once(child, 'exit');
  };
  return { port, parent: child.pid, workers: [child.pid], stop };
}

/** The command `prefork`, with an ordinary program. */
async function startManager(workers, application, port, flags) {
  const command = [`${BENCH}/../dist/cli/main.js`, '-w', workers, ...flags, `${PROGRAMS}/serve.js`];
  const child = spawn(process.execPath, ['--max-old-space-size=8000', ...command.map(String)], {
    env: { ...process.env, BENCH_SERVE: `alone ${workers} ${application} ${port}` },
    stdio: 'ignore',
  });
  return parentOf(workers, child, port, isPreforkWorker);
}

/** Starts a server, and resolves once it listens: { port, parent, workers: [pid…], stop() }. */
export async function start(way, workers, application = 'trivial', flags = []) {
  const port = await freePort();
  if (way === 'pm2') return startPm2(workers, application, port);
  if (way === 'gunicorn') return startGunicorn(workers, port);
  if (way === 'tornado') return startTornado(workers, port);
  if (way === 'plain') return startPlain(application, port);
  if (way === 'manager') return startManager(workers, application, port, flags);
  return startOwn(way, workers, application, port, flags);
}

/** Lets all threads of a process run on one processor only. */
export function pin(pid, processor) {
  execFileSync('taskset', ['-a', '-c', '-p', String(processor), String(pid)], { stdio: 'ignore' });
}

/** Runs wrk for that many seconds, on one processor or any: { requests, perSecond }. */
export function load(port, seconds, { connections = 64, close = false, processor } = {}) {
  const headers = close ? ['-H', 'Connection: close'] : [];
  const wrk = ['wrk', '-t1', `-c${connections}`, `-d${seconds}s`, ...headers, `http://127.0.0.1:${port}/`];
  const [command, ...args] = processor === undefined ? wrk : ['taskset', '-c', String(processor), ...wrk];
  const text = execFileSync(command, args, { encoding: 'utf8' });
  return {
    requests: Number(/(\d+) requests in/.exec(text)[1]),
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)[1]),
  };
}

/** Sends at least that many requests. */
export function loadRequests(port, requests) {
  let done = 0;
  while (done < requests) done += load(port, 2).requests;
}

/** Megabytes that no other process shares. */
export function privateMemory(pid) {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kilobytes = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(text)[1]);
  return (kilobytes('Private_Clean') + kilobytes('Private_Dirty')) / 1000;
}

/** Megabytes of its page tables. */
export function pageTables(pid) {
  return Number(/^VmPTE:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1000;
}

/** Seconds of processor time of a process so far. */
export function processorTime(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** The same of all its threads that are left, in nanoseconds (man 5 proc_pid_schedstat). */
export function processorNanoseconds(pid) {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.reduce(
    (sum, id) => sum + Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8').split(' ')[0]),
    0,
  );
}

/** Rejects if nothing comes within 15 s. */
function withDeadline(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: no answer`)), 15_000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Opens connections, all at once or each when the one before is answered, asks on each which process answers, and counts. */
export async function countByWorker(port, connections, { oneByOne = false } = {}) {
  const counts = new Map();
  const sockets = [];
  const ask = async () => {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const [answer] = await withDeadline(once(socket, 'data'), 'a connection');
    const pid = answer.toString('latin1').split('\r\n\r\n')[1];
    counts.set(pid, (counts.get(pid) ?? 0) + 1);
  };
  if (oneByOne) for (let i = 0; i < connections; i++) await ask();
  else await Promise.all(Array.from({ length: connections }, ask));
  for (const socket of sockets) socket.destroy();
  return [...counts.values()];
}

/** Milliseconds from the call to the answer, each time on a new connection; as many clients at a time, with rests. */
export async function answerTimes(port, requests, clients) {
  const times = [];
  const client = async () => {
    for (let i = 0; i < requests / clients; i++) {
      const begin = performance.now();
      const socket = connect(port, '127.0.0.1');
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      await withDeadline(once(socket, 'data'), 'a connection');
      times.push(performance.now() - begin);
      socket.destroy();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return times;
}
