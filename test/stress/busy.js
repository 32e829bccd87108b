/** A worker thread that does one thing over and over, without a pause: `workerData` names it. */
const { execFile } = require('node:child_process');
const { pbkdf2 } = require('node:crypto');
const { closeSync, openSync, readFile, readSync, statSync } = require('node:fs');
const { connect, createServer } = require('node:net');
const { Worker, workerData } = require('node:worker_threads');
const wasm = require('./wasm');

const LENGTH = statSync(__filename).size;

function allocate() {
  for (let round = 0; round < 50; round++) {
    const garbage = [];
    for (let i = 0; i < 5000; i++) garbage.push({ i, text: `text ${i}` });
  }
}

/** Sockets come and go, and with them members of the loop's epoll. A connection may be accepted by a child's copy. */
let server;
function connectOnce(again) {
  server ??= createServer((socket) => socket.on('error', () => {}).end()).listen(0, '127.0.0.1');
  const address = server.address();
  if (address === null) setImmediate(again);
  else
    connect(address.port, address.address)
      .on('error', () => {})
      .on('close', again)
      .resume();
}

/** Each read goes on where the last one ended: a position that two processes shared would lose something to the other. */
function readInPieces() {
  const file = openSync(__filename);
  const piece = Buffer.alloc(64);
  let text = '';
  for (let size = -1; size !== 0; text += piece.toString('latin1', 0, size)) size = readSync(file, piece);
  closeSync(file);
  if (text.length !== LENGTH) throw new Error(`read ${text.length} of ${LENGTH} bytes`);
}

function readInThreadPool(again) {
  readFile(__filename, (error, { length }) => {
    if (error !== null || length !== LENGTH) throw error ?? new Error(`read ${length} of ${LENGTH} bytes`);
    readInPieces();
    again();
  });
}

const kinds = {
  allocate: (again) => {
    allocate();
    setImmediate(again);
  },
  spawn: (again) => execFile('true', again),
  worker: (again) => new Worker('0', { eval: true }).on('exit', again),
  compile: (again) => WebAssembly.compile(wasm).then(() => setImmediate(again)),
  connect: connectOnce,
  derive: (again) => pbkdf2('password', 'salt', 10, 32, 'sha256', again),
  read: readInThreadPool,
};

const work = kinds[workerData];
(function forEver() {
  work(forEver);
})();
