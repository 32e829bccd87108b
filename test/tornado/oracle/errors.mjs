// A server whose code fails. argv: where, logging. What is asked of it: the test.
import { setImmediate } from 'node:timers/promises';
import { HTTPServer } from 'prefork/httpserver';
import { addAcceptHandler, bindSockets } from 'prefork/netutil';
import { forkProcesses, taskId } from 'prefork/process';
import { configureLogging, say } from './configure.mjs';

const [where, logging] = process.argv.slice(2);

async function raisesLater() {
  await setImmediate();
  throw new Error('oops');
}

const oops = () => {
  throw new Error('oops');
};

const head = (status, headers) => (_request, response) => {
  response.writeHead(status, { 'X-Secret': '1', ...headers });
  oops();
};

const written = (headers) => (_request, response) => {
  response.writeHead(200, headers);
  response.write('begun ');
  oops();
};

const writesLater = (listener, later) => (request, response) => {
  later(() => response.write('late'));
  listener(request, response);
};

const LISTENERS = {
  plain(_request, response) {
    response.end('ok\n');
  },
  sync: oops,
  later: raisesLater,
  workers: raisesLater,
  async middle(_request, response) {
    response.writeHead(200, { 'Content-Length': 100 });
    await new Promise((resolve) => response.write('begun ', resolve));
    throw new Error('oops');
  },
  async afterwards(_request, response) {
    await new Promise((resolve) => response.end('all of it\n', resolve));
    throw new Error('oops');
  },
  async headers(_request, response) {
    response.setHeader('X-Secret', '1');
    response.statusMessage = 'Secret';
    response.statusCode = 201;
    throw new Error('oops');
  },
  head: head(201, { 'Content-Length': 100 }),
  head_empty: head(204, {}),
  head_chunked: head(200, {}),
  flushed(_request, response) {
    response.setHeader('X-Secret', '1');
    response.flushHeaders();
    oops();
  },
  written: written({}),
  written_length: written({ 'Content-Length': 100 }),
  written_all: written({ 'Content-Length': 6 }),
  writes_later: writesLater(oops, process.nextTick),
  writes_later_middle: writesLater(written({ 'Content-Length': 100 }), (write) => setTimeout(write, 50)),
  async body(request, response) {
    let size = 0;
    for await (const chunk of request) size += chunk.length;
    response.end(`got ${size}\n`);
  },
};

function serve(sockets) {
  if (where === 'accept') {
    addAcceptHandler(sockets[0], () => {
      throw new Error('oops');
    });
  } else {
    new HTTPServer(LISTENERS[where], { bodyTimeout: where === 'body' ? 0.3 : null }).addSockets(sockets);
  }
  if (taskId() === null) say(`port=${sockets[0].address().port}`);
  say('ready');
}

configureLogging(logging);
const sockets = bindSockets(0, '127.0.0.1');
if (where === 'workers') {
  say(`port=${sockets[0].address().port}`);
  forkProcesses(2, 3);
}
serve(sockets);
