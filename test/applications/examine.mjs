/** What every application must do with 3 workers, beside what it does alone. */
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, Load, openings } from './clients.mjs';
import { freePort } from './free-port.mjs';
import { Running, standsStill } from './running.mjs';

const WORKERS = 3;
const RELOADS = 4;
const CLIENTS = 4;
const LASTING = 3;
/** Of clients with addresses of their own: so many have each worker among theirs. */
const ADDRESSES = 32;
const ALONE = 40;
/** How much longer an end without load should take than alone at most, in milliseconds. */
export const MARGIN = 300;
/** Longer than that it takes only if something is waited for that never comes: the graceful timeout is 30 s. */
const LIMIT = 20_000;
/** Some keep running at SIGTERM when nobody else ends them. */
const PATIENCE = 20_000;
const TRIES = 5;

const ORDINARY = [
  'worker_started',
  'listening_started',
  'workers_ready',
  'worker_killed',
  'replacement_started',
  'replaced_all',
  'shutdown_started',
  'shutdown_finished',
  'connections_closed',
];

/** The application does not run here alone either. */
export class CannotRun extends Error {}

function check(condition, message) {
  if (!condition) throw new Error(message);
}

const UUID = /[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: so begins what is said to a terminal
const TERMINAL = /\x1b\[[\d;]*[A-Za-z]/g;
const NUMBER = /\d+([.,:]\d+)*(m?s\b)?/g;

/** Two lines that differ in numbers and durations, or in what is done to a terminal, are the same. */
function withoutNumbers(line) {
  return line.replaceAll(TERMINAL, '').replaceAll(UUID, '0').replaceAll(NUMBER, '0').trim();
}

class Examination {
  #started = [];
  #saidAlone = new Set();

  constructor({ application, installed, node, command, port, env, logFile }) {
    const { args = [], options = [], nodeOptions } = application;
    const path = application.bin
      ? join(installed.folder, 'node_modules', application.bin)
      : join(installed.folder, application.file);
    const filled = args.map((each) => each.replace('PORT', String(port)));
    const flags = ['-w', String(WORKERS), '--log-format', 'json', '--no-config', '--title', 'application'];
    Object.assign(this, { application, port, node, require: installed.require });
    this.alone = [...(application.alone ?? []), path, ...filled];
    this.managed = [command, ...options, ...flags, path, '--', ...filled];
    this.spawning = {
      cwd: join(installed.folder, application.cwd ?? '.'),
      env: {
        ...process.env,
        NODE_ENV: 'production',
        HOST: '127.0.0.1',
        HOSTNAME: '127.0.0.1',
        PORT: String(port),
        LOG_FILE: logFile,
        ...(nodeOptions && { NODE_OPTIONS: nodeOptions.replaceAll('FOLDER', installed.folder) }),
        ...env,
        ...application.env,
      },
    };
  }

  start(args) {
    const running = new Running(this.node, args, this.spawning);
    this.#started.push(running);
    return running;
  }

  /** That of the client with this number; all have the same where it means nothing. */
  address(number) {
    return this.application.sticky ? `127.0.1.${1 + number}` : undefined;
  }

  client(number = 0, isKept = false) {
    const { port, application, require } = this;
    return connect(port, application, { isKept, localAddress: this.address(number), require });
  }

  async ask(number) {
    const client = this.client(number);
    try {
      return await client.ask();
    } finally {
      client.close();
    }
  }

  /** Until somebody answers. */
  async answers(running) {
    for (;;) {
      try {
        return await this.ask();
      } catch (error) {
        check(!running.over, 'ended before it answered');
        if (error.code !== 'ECONNREFUSED') throw error;
        await sleep(10);
      }
    }
  }

  /** What it does by itself: what it prints and how long it takes to end are no surprise later. */
  async endAlone() {
    const running = this.start(this.alone);
    try {
      await this.answers(running);
      for (let asked = 0; asked < ALONE; asked++) await this.ask();
    } catch (error) {
      throw new CannotRun(`${error.message}\n${running.story}`);
    }
    const { milliseconds } = await running.end(PATIENCE);
    for (const line of running.lines) this.#saidAlone.add(withoutNumbers(line));
    this.#saidAlone.delete('');
    return milliseconds;
  }

  /** What is left of a line without what the application says alone, too; several workers may write on one line. */
  #news(line) {
    const known = [...this.#saidAlone].sort((a, b) => b.length - a.length);
    return known.reduce((rest, each) => rest.replaceAll(each, ''), withoutNumbers(line)).trim();
  }

  checkLog({ lines, entries }) {
    const { events = [], connected, prints } = this.application;
    const expected = new Set([...ORDINARY, ...events, ...(connected ? ['preload_given_up'] : [])]);
    const surprises = [
      ...entries
        .filter(({ event }) => !expected.has(event))
        .map(({ event, message }) => `${event}: ${message}`),
      ...lines.filter((line) => this.#news(line) !== '' && !prints?.test(line)),
    ];
    check(surprises.length === 0, `${surprises.length} surprises in the log:\n${surprises.join('\n')}`);
  }

  async everyWorkerAnswers(running) {
    const workers = running.workers();
    check(workers.length === WORKERS, `${workers.length} workers instead of ${WORKERS}`);
    if (this.application.sticky) await this.eachHasItsAddresses(workers);
    else await this.eachAnswersAlone(workers);
  }

  async eachHasItsAddresses(workers) {
    const answers = [];
    for (let number = 0; number < ADDRESSES; number++) answers.push(await this.ask(number));
    const silent = workers.filter((pid) => !answers.includes(`pid ${pid}`));
    check(silent.length === 0, `${silent.length} workers had no client`);
    for (const [number, answer] of answers.entries()) {
      check((await this.ask(number)) === answer, `client ${number} came to another worker`);
    }
  }

  /** The others stand still meanwhile. */
  async eachAnswersAlone(workers) {
    for (const one of workers) {
      const others = workers.filter((each) => each !== one);
      for (const pid of others) process.kill(pid, 'SIGSTOP');
      while (!others.every(standsStill)) await sleep(1);
      try {
        await this.ask();
      } finally {
        for (const pid of others) process.kill(pid, 'SIGCONT');
      }
    }
  }

  async live() {
    const running = this.start(this.managed);
    await running.logged('workers_ready');
    await this.everyWorkerAnswers(running);

    process.kill(running.workers()[1], 'SIGKILL');
    await running.logged('worker_killed');
    while (running.workers().length < WORKERS) {
      check(!running.over, 'ended after a worker was killed');
      await sleep(10);
    }

    const lasting = await this.openLasting();
    const load = new Load(
      Array.from({ length: CLIENTS }, (_, number) => this.client(number, number < CLIENTS - 1)),
    );
    for (let reload = 1; reload <= RELOADS; reload++) {
      running.child.kill('SIGHUP');
      await running.logged('replaced_all', reload);
    }
    const { answered, lost } = load;
    check(lost.length === 0, `${lost.length} of ${answered} lost in reloads: ${lost}`);
    for (const each of lasting) await each.check?.();
    const { status, signal } = await running.end();
    await load.refused();
    check(lost.length === 0, `${lost.length} lost at SIGTERM: ${lost}`);
    check(status === 0, `ended with ${signal ?? status} under load`);
    for (const { closed, as, close } of lasting) {
      close?.();
      const how = await closed;
      check(as === undefined || how === as, `a connection was ${how}, not ${as}`);
    }
    this.checkLog(running);
    return answered;
  }

  openLasting() {
    const { port, require } = this;
    const { lasting } = this.application;
    if (!lasting) return [];
    const open = (_, number) => openings[lasting]({ port, require, localAddress: this.address(number) });
    return Promise.all(Array.from({ length: LASTING }, open));
  }

  async endManaged() {
    const running = this.start(this.managed);
    await running.logged('workers_ready');
    await this.answers(running);
    const { status, milliseconds } = await running.end();
    check(status === 0, `ended with ${status} without load`);
    this.checkLog(running);
    return milliseconds;
  }

  /** Where the machine is busy with other things, the least of several tries is told, of either. */
  async compareEnds() {
    let [before, after] = [await this.endAlone(), await this.endManaged()];
    for (let again = 1; again < TRIES && after > before + MARGIN; again++) {
      before = Math.min(before, await this.endAlone());
      after = Math.min(after, await this.endManaged());
    }
    check(after <= before + LIMIT, `SIGTERM takes ${Math.round(after)} ms instead of ${Math.round(before)}`);
    return { before: Math.round(before), after: Math.round(after), load: Math.round(loadavg()[0]) };
  }

  async all({ endsOnly }) {
    try {
      const ends = await this.compareEnds();
      return endsOnly ? ends : { answered: await this.live(), ...ends };
    } catch (error) {
      if (!(error instanceof CannotRun)) error.message += `\n${this.#started.at(-1)?.story}`;
      throw error;
    } finally {
      for (const running of this.#started) running.kill();
    }
  }
}

/** The milliseconds that an end takes alone and managed, and, unless only these are wanted, how many requests were answered
 * in the reloads. Throws what went wrong, with what was printed. */
export async function examine({ endsOnly, ...settings }) {
  return await new Examination({ ...settings, port: await freePort() }).all({ endsOnly });
}
