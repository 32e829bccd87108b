/** A worker thread that does one thing over and over, without a pause: `workerData` names it. */
const { execFile } = require('node:child_process');
const { readFile } = require('node:fs');
const { Worker, workerData } = require('node:worker_threads');
const wasm = require('./wasm');

function allocate() {
  for (let round = 0; round < 50; round++) {
    const garbage = [];
    for (let i = 0; i < 5000; i++) garbage.push({ i, text: `text ${i}` });
  }
}

const kinds = {
  allocate: (again) => {
    allocate();
    setImmediate(again);
  },
  spawn: (again) => execFile('true', again),
  worker: (again) => new Worker('0', { eval: true }).on('exit', again),
  compile: (again) => WebAssembly.compile(wasm).then(() => setImmediate(again)),
  read: (again) => readFile(__filename, again),
};

const work = kinds[workerData];
(function forEver() {
  work(forEver);
})();
