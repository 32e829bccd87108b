// Two runs of vitest over one file, in a pool that has its processes do what prefork/vitest has them do, without a fork: what
// both sides were given and have said.
const { fork } = require('node:child_process');
const { existsSync, writeFileSync } = require('node:fs');
const { dirname, join } = require('node:path');
const { pathToFileURL } = require('node:url');
const { file, ROOT } = require('./canary');

/** This package's vitest, and vitest 5 if `npm run test:runners` has fetched it and this Node is new enough for it. */
function vitests() {
  const fetched = join(ROOT, '.node-versions', 'vitest-5', 'node_modules', 'vitest', 'dist');
  const isHere = Number.parseInt(process.versions.node, 10) >= 22 && existsSync(fetched);
  return [join(ROOT, 'node_modules', 'vitest', 'dist'), ...(isHere ? [fetched] : [])];
}

/** A process of the pool. It tells on request what is loaded. */
const PROCESS = `
  import { join } from 'node:path';
  import { pathToFileURL } from 'node:url';
  const { init, runBaseTests, setupEnvironment } = await import(pathToFileURL(join(process.argv[2], 'worker.js')).href);
  const listeners = new Set();
  const tell = (message) => [...listeners].forEach((listener) => listener(message));
  let runner;
  /** What vitest 5 is told that its process knows of modules; filled later. */
  const known = {};
  const post = (message) => {
    const isOfKnown = message.t === 'q' && message.m === 'fetchWarmModules';
    if (isOfKnown) queueMicrotask(() => tell({ t: 's', i: message.i, r: known }));
    if (isOfKnown) process.send({ knownBy: message.a });
    else process.send(message);
    if (message.m === 'fetch' && message.a[0] === '/one.mjs')
      known['/two.mjs'] = { externalize: 'node:path', type: 'builtin' };
  };
  const atImport = (id) => {
    const { ctx, rpc, environment, config, durations } = globalThis.__vitest_worker__;
    const { tasks } = globalThis.__vitest_index__.TestRunner.getCurrentSuite();
    const { saveSnapshotFile, removeSnapshotFile } = config.snapshotOptions.snapshotEnvironment;
    const functions = [rpc.onQueued, rpc.resolve, runner.fetchModule, runner.cachedRequest, saveSnapshotFile, removeSnapshotFile];
    return {
      id,
      files: ctx.files.map(({ filepath }) => filepath),
      name: environment.name,
      tasks: tasks.length,
      kinds: functions.map((each) => typeof each),
      numbers: [ctx.concurrencyId, ctx.workerId],
      fetched: durations.fetch,
    };
  };
  init({
    post,
    on: (listener) => listeners.add(listener),
    off: (listener) => listeners.delete(listener),
    setup: setupEnvironment,
    onModuleRunner: (started) => {
      runner = started;
      runner.import = async (id) => {
        const isFile = id === globalThis.__vitest_worker__.filepath;
        const seen = isFile ? atImport(id) : undefined;
        const imported = await Object.getPrototypeOf(runner).import.call(runner, id);
        if (isFile) process.send({ atImport: { ...seen, code: runner.evaluatedModules.getModuleById(id).meta.code } });
        return imported;
      };
    },
    runTests: (state, traces) => runBaseTests('run', state, traces),
    collectTests: (state, traces) => runBaseTests('collect', state, traces),
    teardown: () => listeners.clear(),
  });
  process.on('message', async (message) => {
    if (message.ask === undefined) return tell(message);
    if (message.ask === 'import') await runner.import(message.name);
    const modules = [...runner.evaluatedModules.idToModuleMap.values()].map(({ id, meta }) => [id, meta && 'code' in meta]);
    process.send({ modules });
  });`;

/** What vitest's process makes for each file. */
class Worker {
  name = 'canary';
  cacheFs = true;
  #listeners = [];
  /** Whoever waits for a message of this kind; vitest does not hear of it then. */
  #awaited = [];
  #isPreparing = false;
  #isStopping = false;

  constructor(options, run) {
    this.options = options;
    this.run = run;
  }

  start() {
    const { distPath, env } = this.options;
    this.process = fork(file(PROCESS, 'process.mjs'), [distPath], { env, serialization: 'advanced' });
    this.process.on('message', (message) => this.#hear(message));
    this.process.on('exit', (status) => {
      if (!this.#isStopping) throw new Error(`A process of vitest's ended with ${status}`);
    });
  }

  on(event, listener) {
    if (event === 'message') this.#listeners.push(listener);
    else this.process.on(event, listener);
  }

  off(event, listener) {
    if (event === 'message') this.#listeners = this.#listeners.filter((each) => each !== listener);
    else this.process.off(event, listener);
  }

  deserialize(data) {
    return data;
  }

  #hear(message) {
    if (message.atImport !== undefined) return this.run.atImports.push(message.atImport);
    if (message.knownBy !== undefined) return this.run.knownBy.push(message.knownBy);
    const index = this.#awaited.findIndex(({ isIt }) => isIt(message));
    if (index >= 0) return this.#awaited.splice(index, 1)[0].resolve(message);
    this.run.said.push(message);
    if (!this.#isPreparing || ['fetch', 'resolve'].includes(message.m)) this.#tell(message);
    else if (message.i !== undefined && message.t === 'q')
      this.process.send({ t: 's', i: message.i, r: undefined });
  }

  #tell(message) {
    for (const listener of [...this.#listeners]) listener(message);
  }

  #until(isIt) {
    return new Promise((resolve) => {
      this.#awaited.push({ isIt, resolve });
    });
  }

  async #ask(question) {
    const answer = this.#until(({ modules }) => modules !== undefined);
    this.process.send(question);
    return answer;
  }

  /** As if there were a file, but none. */
  async #prepare(message) {
    this.#isPreparing = true;
    const done = this.#until(({ __vitest_worker_response__: isOne }) => isOne);
    this.process.send({ ...message, context: { ...message.context, files: [] } });
    this.run.prepared = { response: await done, ...(await this.#ask({ ask: 'modules' })) };
    this.run.imported = await this.#ask({ ask: 'import', name: this.run.inlined });
    this.run.preparedBy = this.run.said.splice(0);
    this.#isPreparing = false;
  }

  /** In order, as vitest's own pool. */
  #steps = Promise.resolve();

  send(message) {
    this.run.heard.push(message);
    if (message.t !== undefined) return this.process.send(message);
    this.#steps = this.#steps.then(async () => {
      if (message.type === 'run') await this.#prepare(message);
      this.process.send(message);
    });
  }

  async stop() {
    this.#isStopping = true;
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill();
    await ended;
  }
}

async function runsOf(dist) {
  const test = file(
    "import { test } from 'vitest'; import { sep } from './one.mjs'; test('passes', () => console.log('printed ' + sep));",
    'a.test.mjs',
  );
  const inlined = join(dirname(test), 'inlined.mjs');
  writeFileSync(inlined, 'export default 1;');
  writeFileSync(join(dirname(test), 'one.mjs'), "export { sep } from './two.mjs';");
  writeFileSync(join(dirname(test), 'two.mjs'), "export const sep = 'of its own';");
  const { createVitest, generateFileHash, version } = await import(pathToFileURL(join(dist, 'node.js')).href);
  const runs = [];
  const pool = {
    name: 'canary',
    createPoolWorker: (options) => {
      const run = { options, heard: [], said: [], atImports: [], knownBy: [], inlined, file: test };
      runs.push(run);
      return new Worker(options, run);
    },
  };
  const vitest = await createVitest('test', { root: dirname(test), watch: false, pool, reporters: [{}] });
  await vitest.start();
  await vitest.rerunFiles();
  const failed = vitest.state.getCountOfFailedTests() + vitest.state.getUnhandledErrors().length;
  await vitest.close();
  return { major: Number.parseInt(version, 10), dist, generateFileHash, runs, failed };
}

/**
 * Looks at each vitest: its folder `dist`, its `runs`, and how many tests `failed`. Of each run: `options` of the pool, what
 * vitest's own process `heard` and `said`, and what was loaded.
 */
exports.eachVitest = async (look) => {
  for (const dist of vitests()) await look(await runsOf(dist));
};
