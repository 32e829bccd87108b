// npm run test:applications -- [--only=NAME] [--write]
//
// Real applications, unmodified, each with 3 workers: starts, every worker answers, one that is killed comes back, 4 reloads
// under 4 clients of which 3 keep their connections lose nothing, SIGTERM under load loses nothing, SIGTERM without load
// is compared with the same alone, the status is 0, and the log holds no surprise. --write puts the table into
// docs/applications.md. The packages are installed here, at the versions of package-lock.json.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { applications } from './applications.mjs';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const HERE = join(ROOT, 'test', 'applications', 'projects', 'light');
const COMMAND = join(ROOT, 'dist', 'cli', 'main.js');
const PAGE = join(ROOT, 'docs', 'applications.md');
const WORKERS = 3;
const RELOADS = 4;
const DEADMAN = 60_000;
/** How much longer an end without load should take than alone at most, in milliseconds. */
const MARGIN = 300;
/** Longer than that it takes only if something is waited for. */
const LIMIT = 5000;
const TRIES = 3;

const EXPECTED = new Set([
  'listening_started',
  'workers_ready',
  'worker_killed',
  'replacement_started',
  'replaced_all',
  'shutdown_started',
  'shutdown_finished',
  'connections_closed',
]);

const require = createRequire(join(HERE, 'package.json'));

function titleOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return ''; // it has ended
  }
}

function check(condition, message) {
  if (!condition) throw new Error(message);
}

/** A program in a process group of its own, which does not outlive its deadman. */
class Running {
  lines = [];
  #waiting = [];

  constructor(args, env) {
    this.child = spawn(process.execPath, args, {
      cwd: HERE,
      env: { ...process.env, ...env },
      detached: true,
    });
    this.ended = once(this.child, 'close').then(([status, signal]) => ({ status, signal }));
    this.deadman = setTimeout(() => this.kill(), DEADMAN);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      createInterface(stream).on('line', (line) => {
        this.lines.push(line);
        for (const look of this.#waiting) look();
      });
    }
    this.ended.then(() => {
      clearTimeout(this.deadman);
      for (const look of this.#waiting) look(true);
    });
  }

  kill() {
    try {
      process.kill(-this.child.pid, 'SIGKILL');
    } catch {
      // All have ended.
    }
  }

  get entries() {
    return this.lines.flatMap((line) => (line.startsWith('{"time"') ? [JSON.parse(line)] : []));
  }

  /** Until it has logged that event so many times. */
  logged(event, times = 1) {
    return new Promise((resolve, reject) => {
      const look = (isOver = false) => {
        if (this.entries.filter((entry) => entry.event === event).length >= times) resolve();
        else if (isOver) reject(new Error(`ended before it logged ${event}`));
      };
      this.#waiting.push(look);
      look();
    });
  }

  async end() {
    const began = performance.now();
    this.child.kill('SIGTERM');
    const how = await this.ended;
    return { ...how, milliseconds: performance.now() - began };
  }

  /** Those of its children that have the title of one. */
  workers() {
    const { pid } = this.child;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ');
    return children.filter((each) => / worker \d/.test(titleOf(each))).map(Number);
  }
}

function ask(port, agent = false) {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, agent }, (response) => {
      text(response).then(
        (body) => (response.statusCode === 200 ? resolve(body) : reject(new Error(body))),
        reject,
      );
    }).on('error', reject);
  });
}

/** Until somebody answers. */
async function answers(port) {
  for (;;) {
    try {
      return await ask(port);
    } catch (error) {
      if (error.code !== 'ECONNREFUSED') throw error;
      await sleep(10);
    }
  }
}

/** Clients that ask without a pause, all but the last over connections that they keep. */
class Load {
  answered = 0;
  lost = [];
  #agent = new Agent({ keepAlive: true });
  #over = false;

  constructor(port, clients = 4) {
    this.clients = Array.from({ length: clients }, (_, index) =>
      this.#client(port, index < clients - 1 && this.#agent),
    );
  }

  async #client(port, agent) {
    while (!this.#over) {
      try {
        await ask(port, agent);
        this.answered += 1;
      } catch (error) {
        if (error.code === 'ECONNREFUSED') return; // nobody listens any more
        this.lost.push(error.code ?? error.message);
      }
    }
  }

  /** Until the clients have stopped, by themselves if nobody listens. */
  async stop(now = true) {
    this.#over = now;
    await Promise.all(this.clients);
    this.#agent.destroy();
  }
}

/** Connections that last: each opened, with a promise of its end. */
const openings = {
  async ws(port) {
    const WebSocket = require('ws');
    const socket = new WebSocket(`ws://127.0.0.1:${port}`);
    const closed = once(socket, 'close').then(([code]) =>
      check(code === 1001, `a WebSocket was closed with ${code}`),
    );
    await once(socket, 'open');
    return { closed };
  },
  async 'socket.io'(port) {
    const { io } = require('socket.io-client');
    const socket = io(`http://127.0.0.1:${port}`, { transports: ['websocket'], reconnection: false });
    const closed = new Promise((resolve) => socket.on('disconnect', resolve));
    await new Promise((resolve, reject) => socket.on('connect', resolve).on('connect_error', reject));
    check((await socket.emitWithAck('echo', 'x')) === 'x', 'no echo');
    return { closed };
  },
};

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** What the manager logs in an ordinary life, and what the application itself complains of, alone too. */
function isExpected(line, { complains }) {
  if (line.startsWith('{"time"')) return EXPECTED.has(JSON.parse(line).event);
  return complains?.test(line) === true;
}

/** Each alone: the others stand still meanwhile. */
async function everyWorkerAnswers(running, port) {
  const workers = running.workers();
  check(workers.length === WORKERS, `${workers.length} workers instead of ${WORKERS}`);
  for (const one of workers) {
    const others = workers.filter((each) => each !== one);
    for (const pid of others) process.kill(pid, 'SIGSTOP');
    try {
      await ask(port);
    } finally {
      for (const pid of others) process.kill(pid, 'SIGCONT');
    }
  }
}

async function run(application, folder) {
  const port = await freePort();
  const path = application.file
    ? join(HERE, application.file)
    : join(HERE, 'node_modules', application.of, application.bin);
  const args = application.file ? [] : ['.', '-p', String(port), '-a', '127.0.0.1', '-s'];
  const logFile = join(folder, `${application.of.replace('/', '-')}.log`);
  const env = { PORT: String(port), LOG_FILE: logFile };
  const started = [];
  const alone = () => track(new Running([path, ...args], env));
  const managed = () =>
    track(
      new Running(
        [
          COMMAND,
          path,
          '-w',
          String(WORKERS),
          '--log-format',
          'json',
          '--no-config',
          '--title',
          'application',
          '--',
          ...args,
        ],
        env,
      ),
    );
  const track = (running) => {
    started.push(running);
    return running;
  };
  try {
    return await examine({ application, port, alone, managed });
  } catch (error) {
    error.message += `\n${started.flatMap(({ lines }) => [...lines.slice(-20), '---']).join('\n')}`;
    throw error;
  } finally {
    for (const running of started) running.kill();
  }
}

async function examine({ application, port, alone, managed }) {
  const running = managed();
  await running.logged('workers_ready');
  await everyWorkerAnswers(running, port);

  process.kill(running.workers()[1], 'SIGKILL');
  await running.logged('worker_killed');
  while (running.workers().length < WORKERS) await sleep(10);

  const lasting = [];
  while (application.lasting && lasting.length < 3) lasting.push(await openings[application.lasting](port));
  const load = new Load(port);
  for (let reload = 1; reload <= RELOADS; reload++) {
    running.child.kill('SIGHUP');
    await running.logged('replaced_all', reload);
  }
  const reloaded = load.answered;
  check(load.lost.length === 0, `${load.lost.length} of ${reloaded} lost in reloads: ${load.lost}`);
  const { status, signal } = await running.end();
  await load.stop(false);
  check(load.lost.length === 0, `${load.lost.length} lost at SIGTERM: ${load.lost}`);
  check(status === 0, `ended with ${signal ?? status} under load`);
  await Promise.all(lasting.map(({ closed }) => closed));
  const surprises = running.lines.filter((line) => !isExpected(line, application));
  check(surprises.length === 0, `surprises in the log:\n${surprises.join('\n')}`);
  return { answered: reloaded, ...(await compareEnds({ port, alone, managed })) };
}

/** Where the machine is busy with other things, the best of several tries is told. */
async function compareEnds({ port, alone, managed }) {
  let best = { before: 0, after: Number.POSITIVE_INFINITY };
  for (let attempt = 0; attempt < TRIES && best.after > best.before + MARGIN; attempt++) {
    const single = alone();
    await answers(port);
    const { milliseconds: before } = await single.end();
    const running = managed();
    await running.logged('workers_ready');
    await answers(port);
    const { status, milliseconds: after } = await running.end();
    check(status === 0, `ended with ${status} without load`);
    if (after - before < best.after - best.before) best = { before, after };
  }
  check(best.after <= best.before + LIMIT, `SIGTERM takes ${best.after} ms instead of ${best.before}`);
  return best;
}

function table(results) {
  const rows = results.map(({ application: { name, of, note }, version, error, answered }) => {
    const result = error ? `fails: ${error.message.split('\n')[0]}` : `passes; 0 of ${answered} lost`;
    return `| ${name} | ${of} ${version} | ${result} | ${note} |`;
  });
  return ['| application | package | result | what to know |', '| --- | --- | --- | --- |', ...rows].join(
    '\n',
  );
}

function writePage(results) {
  const page = readFileSync(PAGE, 'utf8');
  const [begin, end] = ['<!-- table -->', '<!-- end of table -->'];
  const [head] = page.split(begin);
  const [, tail] = page.split(end);
  writeFileSync(PAGE, `${head}${begin}\n\n${table(results)}\n\n${end}${tail}`);
}

const { values } = parseArgs({
  options: { only: { type: 'string' }, write: { type: 'boolean', default: false } },
});

if (!existsSync(join(HERE, 'node_modules'))) {
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: HERE, stdio: 'inherit' });
}

const folder = mkdtempSync(join(tmpdir(), 'prefork-applications-'));
const results = [];
for (const application of applications) {
  if (values.only && !application.name.toLowerCase().includes(values.only.toLowerCase())) continue;
  const { version } = JSON.parse(
    readFileSync(join(HERE, 'node_modules', application.of, 'package.json'), 'utf8'),
  );
  const began = performance.now();
  try {
    results.push({ application, version, ...(await run(application, folder)) });
  } catch (error) {
    results.push({ application, version, error });
  }
  const { error, answered, before, after } = results.at(-1);
  const took = `${((performance.now() - began) / 1000).toFixed(1)} s`;
  if (error) console.log(`✗ ${application.name} ${version} (${took}): ${error.stack}`);
  else
    console.log(
      `✓ ${application.name} ${version} (${took}): ${answered} answers, end ${Math.round(before)} → ${Math.round(after)} ms`,
    );
}
rmSync(folder, { recursive: true });
if (values.write) writePage(results);
const failed = results.filter(({ error }) => error);
console.log(
  `${results.length - failed.length} of ${results.length} applications pass on Node ${process.version}`,
);
process.exitCode = failed.length > 0 || results.length === 0 ? 1 : 0;
