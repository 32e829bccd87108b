// What canaries are written with. A canary is a program: it ends with status 0 if what it looks at is as lib/ and native/
// take it to be, and says otherwise why not.
const { closeSync, mkdtempSync, readFileSync, rmSync, writeFileSync, writeSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { spawn, spawnSync } = require('node:child_process');

const ROOT = join(__dirname, '..', '..', '..');

/** A module of the built package: `load('base/binding')`. */
const load = (name = 'index') => require(join(ROOT, 'dist', name));

/** Runs a canary to its end. */
function canary(main) {
  const fail = (error) => {
    writeSync(2, `${error?.stack ?? error}\n`);
    process.exit(1);
  };
  process.on('uncaughtException', fail);
  Promise.resolve()
    .then(main)
    .then(() => process.exit(0), fail);
}

/** Ends a canary that cannot look here, and says why. */
function skip(why) {
  writeSync(1, `skipped: ${why}\n`);
  process.exit(0);
}

/** What a piece of work in a forked child answers, as JSON; what it throws there is thrown here. */
async function inChild(work) {
  const { _exit, fork, pipe, waitpidAsync } = load();
  const { binding } = load('base/binding');
  while (binding.requests_in_flight() > 0) await new Promise(setImmediate);
  const [reader, writer] = pipe();
  const pid = fork();
  if (pid === 0) {
    const answer = (value) => {
      writeSync(writer, JSON.stringify(value));
      _exit(0);
    };
    Promise.resolve()
      .then(work)
      .then(
        (value = null) => answer({ value }),
        (error) => answer({ error: error?.stack ?? String(error) }),
      );
    return new Promise(() => {}); // nothing of the parent's goes on in here
  }
  closeSync(writer);
  const [, status] = await waitpidAsync(pid);
  const text = readFileSync(reader, 'utf8');
  closeSync(reader);
  if (text === '') throw new Error(`the child ended with wait status ${status}, and without an answer`);
  const { value, error } = JSON.parse(text);
  if (error !== undefined) throw new Error(`in the child: ${error}`);
  return value;
}

/** A file with this content, gone at the end. */
function file(content, name = 'program.js') {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-canary-'));
  const owner = process.pid;
  process.on('exit', () => process.pid === owner && rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

/** A process of this Node: its lines, its output, its end. */
class Running {
  #text = '';
  #waiting = [];

  constructor(args, options = {}) {
    this.process = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'], ...options });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.setEncoding('utf8').on('data', (data) => {
        this.#text += data;
        this.#look();
      });
    }
    this.ended = new Promise((resolve) => {
      this.process.on('close', (status, signal) => {
        resolve({ status, signal, text: this.#text });
        for (const { pattern, reject } of this.#waiting) {
          reject(new Error(`ended (${status ?? signal}) without ${pattern}:\n${this.#text}`));
        }
      });
    });
  }

  get text() {
    return this.#text;
  }

  /** The match of this pattern, once it is printed. */
  until(pattern) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ pattern, resolve, reject });
      this.#look();
    });
  }

  #look() {
    this.#waiting = this.#waiting.filter(({ pattern, resolve }) => {
      const found = pattern.exec(this.#text);
      if (found !== null) resolve(found);
      return found === null;
    });
  }
}

/** Runs a program to its end. */
const run = (source, args = [], options = {}) =>
  new Running([...(options.flags ?? []), file(source, options.name), ...args], options).ended;

/**
 * An application under `prefork`, with one worker. It has `PREFORK`, the package, and calls `served(server)` for the
 * server whose port is to be known. Its worker prints `exits` if it comes to an end of its own.
 */
async function manage(source, args = []) {
  const application = file(`
    const PREFORK = require(${JSON.stringify(join(ROOT, 'dist'))});
    const { writeSync } = require('node:fs');
    const served = (server) =>
      server.listen(0, '127.0.0.1', () => writeSync(1, \`port=\${server.address().port};\\n\`));
    process.on('exit', () => PREFORK.worker() !== null && writeSync(1, 'exits\\n'));
    ${source}`);
  const command = join(ROOT, 'dist', 'cli', 'main.js');
  const running = new Running([command, application, '--workers', '1', '--no-warmup', ...args]);
  const [, port] = await running.until(/port=(\d+);/);
  return Object.assign(running, { port: Number(port) });
}

/** Compiles a program of this folder with the C compiler, or for `.cc` the C++ one, and runs it to its end. */
function compiled(name, flags) {
  const [variable, usual] = name.endsWith('.c') ? ['CC', 'cc'] : ['CXX', 'c++'];
  const compiler = process.env[variable] ?? usual;
  const program = file('', 'program');
  const made = spawnSync(compiler, ['-O0', join(__dirname, name), ...flags, '-o', program], {
    encoding: 'utf8',
  });
  if (made.error?.code === 'ENOENT') skip(`there is no compiler ${compiler}`);
  if (made.status !== 0) throw new Error(`${name} could not be compiled:\n${made.stderr}`);
  const { status, stdout, stderr } = spawnSync(program, { encoding: 'utf8' });
  return { status, stdout, stderr };
}

module.exports = { canary, compiled, file, inChild, load, manage, ROOT, Running, run, skip };
