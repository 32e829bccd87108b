/** What a child does to show that it is complete. Number `i` decides what, and how it ends. */
const { execFile } = require('node:child_process');
const { readFile } = require('node:fs/promises');
const { promisify } = require('node:util');
const { setFlagsFromString } = require('node:v8');
const { runInNewContext } = require('node:vm');
const { Worker, isMainThread } = require('node:worker_threads');
const { _exit, alarm, fork, getpid, waitpidAsync } = require('../..');
const wasm = require('./wasm');

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');
const run = promisify(execFile);

const LAST_RESORT_SECONDS = 300; // the parent gives up on a child long before
const FAILED = 250;

function runHotFunction(i) {
  const sum = new Function('n', `let s = ${i}; for (let i = 0; i < n; i++) s = (s * 31 + i) | 0; return s`);
  const first = sum(200_000);
  if (sum(200_000) !== first) throw new Error('the compiler is wrong');
}

async function addInWebAssembly() {
  const { instance } = await WebAssembly.instantiate(wasm);
  if (instance.exports.add(2, 3) !== 5) throw new Error('2 + 3 is not 5');
}

function startWorker() {
  const source = "require('node:worker_threads').parentPort.postMessage([1, 2, 3].map((n) => n * n).join())";
  return new Promise((resolve, reject) => {
    let answer;
    new Worker(source, { eval: true })
      .on('message', (message) => {
        answer = message;
      })
      .on('error', reject)
      .on('exit', () => (answer === '1,4,9' ? resolve() : reject(new Error(`worker said ${answer}`))));
  });
}

async function forkGrandchild() {
  const pid = fork({ allowInFlight: true });
  if (pid === 0) {
    alarm(LAST_RESORT_SECONDS);
    collectGarbage();
    await readFile(__filename);
    _exit(77);
  }
  const [, status] = await waitpidAsync(pid);
  if (status !== 77 << 8) throw new Error(`grandchild ${pid} ended with status ${status}`);
}

/** What shows at once whether threads, timers and the heap are there. */
async function workBriefly(i) {
  if (i % 3 === 0) collectGarbage();
  await readFile(__filename);
  await new Promise((resolve) => setTimeout(resolve, 1));
}

async function work(i) {
  collectGarbage();
  runHotFunction(i);
  await readFile(__filename);
  await new Promise((resolve) => setTimeout(resolve, 1));
  await addInWebAssembly();
  if (i % 3 === 0) await run('true');
  if (i % 5 === 0) await startWorker();
  if (i % 7 === 0) await forkGrandchild();
  if (i % 11 === 0) await run(process.execPath, ['-e', 'process.exit()']);
}

const codeOf = (i) => i % 200;

/** In a worker thread process.exit() would end the thread only. */
const endings = [
  (i) => (isMainThread ? process.exit(codeOf(i)) : _exit(codeOf(i))),
  (i) => _exit(codeOf(i)),
  () => process.kill(getpid(), 'SIGKILL'),
  (i) => (isMainThread ? process.exit(codeOf(i)) : _exit(codeOf(i))),
];
const SIGKILL = 9;

/** The wait status of child `i`, if all is well. */
exports.expectedStatus = (i) => (i % endings.length === 2 ? SIGKILL : codeOf(i) << 8);

/** Never returns to its caller's work: the child ends here. */
exports.live = async (i, { before, brief }) => {
  alarm(LAST_RESORT_SECONDS);
  try {
    await before;
    if (brief && i % 10 !== 0) await workBriefly(i);
    else await work(i / (brief ? 10 : 1));
  } catch (error) {
    process._rawDebug(`child ${process.pid}, number ${i}: ${error.stack}`);
    _exit(FAILED);
  }
  endings[i % endings.length](i);
  return new Promise(() => {});
};

exports.collectGarbage = collectGarbage;
exports.runHotFunction = runHotFunction;
