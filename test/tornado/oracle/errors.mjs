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

const LISTENERS = {
  plain(_request, response) {
    response.end('ok\n');
  },
  sync() {
    throw new Error('oops');
  },
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
    response.statusCode = 201;
    throw new Error('oops');
  },
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
