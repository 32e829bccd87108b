// A server that can be told to end. argv: pattern, processes, address, and for `start` the port.
import { HTTPServer } from 'prefork/httpserver';
import { bindSockets } from 'prefork/netutil';
import { _exit } from 'prefork/os';
import { forkProcesses, taskId } from 'prefork/process';
import { say } from './configure.mjs';

const [pattern, processes, address, port] = process.argv.slice(2);

function handler(request, response) {
  const { searchParams } = new URL(request.url, 'http://localhost');
  if (searchParams.has('exit')) _exit(Number(searchParams.get('exit')));
  if (searchParams.has('signal')) process.kill(process.pid, Number(searchParams.get('signal')));
  response.end(`hello from ${taskId()}`);
}

if (pattern === 'add_sockets') {
  const sockets = bindSockets(0, address);
  say(`port=${sockets[0].address().port}`);
  forkProcesses(Number(processes));
  say('ready');
  const server = new HTTPServer(handler);
  server.addSockets(sockets);
} else {
  const server = new HTTPServer(handler);
  server.bind(Number(port), address);
  say(`port=${port}`);
  server.start(Number(processes));
  say('ready');
}
