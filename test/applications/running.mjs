/** A program in a process group of its own, which outlives neither its deadman nor this process, and all that it printed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const DEADMAN = 300_000;

function read(path) {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // it has ended
  }
}

/** What the application wrote, and what the manager logged, in one line: an application need not end its lines. */
function parts(line) {
  const begin = line.indexOf('{"time":"');
  if (begin < 0) return { text: line };
  try {
    const entry = JSON.parse(line.slice(begin));
    if (entry.event) return { text: line.slice(0, begin), entry };
  } catch {
    // It only looks like one.
  }
  return { text: line };
}

export class Running {
  /** What the application printed, and what the manager logged. */
  lines = [];
  entries = [];
  over = false;
  #waiting = new Set();

  constructor(command, args, options) {
    const tied = ['--pdeathsig=KILL', command, ...args];
    this.child = spawn('setpriv', tied, { ...options, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    this.ended = once(this.child, 'close').then(([status, signal]) => ({ status, signal }));
    const deadman = setTimeout(() => this.kill(), DEADMAN);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      createInterface(stream).on('line', (line) => {
        const { text, entry } = parts(line);
        if (entry) this.entries.push(entry);
        if (text !== '') this.lines.push(text);
        this.#look();
      });
    }
    this.ended.finally(() => {
      clearTimeout(deadman);
      this.over = true;
      this.#look();
    });
  }

  #look() {
    for (const look of this.#waiting) look();
  }

  kill() {
    try {
      process.kill(-this.child.pid, 'SIGKILL');
    } catch {
      // All have ended.
    }
  }

  /** Until the manager has logged that event so many times. */
  logged(event, times = 1) {
    return new Promise((resolve, reject) => {
      const look = () => {
        const seen = this.entries.filter((entry) => entry.event === event).length;
        if (seen < times && !this.over) return;
        this.#waiting.delete(look);
        if (seen >= times) resolve();
        else reject(new Error(`ended before it logged ${event}`));
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** @param patience after so many milliseconds it is killed */
  async end(patience = DEADMAN) {
    const began = performance.now();
    this.child.kill('SIGTERM');
    const impatience = setTimeout(() => this.kill(), patience);
    const how = await this.ended;
    clearTimeout(impatience);
    return { ...how, milliseconds: performance.now() - began };
  }

  /** Those of its children that have the title of one. */
  workers() {
    const { pid } = this.child;
    const children = read(`/proc/${pid}/task/${pid}/children`).trim().split(' ');
    return children.filter((each) => / worker \d/.test(read(`/proc/${each}/cmdline`))).map(Number);
  }

  /** What it has printed and logged last, for whoever has to find out what went wrong. */
  get story() {
    const logged = this.entries.map(({ event, message }) => `${event}: ${message}`);
    return [...this.lines.slice(-20), ...logged.slice(-20)].join('\n');
  }
}

/** Whether every thread of the process stands still, as SIGSTOP has it a moment after it was sent. */
export function standsStill(pid) {
  return /^State:\s+T/m.test(read(`/proc/${pid}/status`));
}
