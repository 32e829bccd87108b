// TCPServer in one process. argv: one case.
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { basicConfig } from 'prefork/log';
import { bindSockets } from 'prefork/netutil';
import { TCPServer } from 'prefork/tcpserver';
import { say } from './configure.mjs';

basicConfig();

class Failing extends TCPServer {
  handleStream(stream) {
    stream.destroy();
    throw new Error('oops');
  }
}

class FailingLater extends TCPServer {
  async handleStream(stream) {
    stream.destroy();
    await null;
    throw new Error('oops');
  }
}

class Hello extends TCPServer {
  handleStream(stream, address) {
    say(`from ${address.address}`);
    stream.end('hello');
  }
}

async function talk(server, address = '127.0.0.1') {
  const sockets = bindSockets(0, address);
  server.addSockets(sockets);
  for (const socket of sockets) {
    const { port, address: host } = socket.address();
    const client = connect(port, host);
    await once(client, 'connect');
    say(`read '${await text(client)}'`);
  }
  server.stop();
}

function bindAfterStart() {
  const server = new Hello();
  server.start();
  server.bind(0, '127.0.0.1');
  say(`${server.nodeServer.listening ? 1 : 0} served`);
  server.stop();
}

function stopFreesThePort() {
  const server = new Hello();
  const sockets = bindSockets(0, '127.0.0.1');
  const { port } = sockets[0].address();
  server.addSockets(sockets);
  server.stop();
  bindSockets(port, '127.0.0.1');
  say('free');
}

function stopTwice() {
  const server = new TCPServer();
  server.addSockets(bindSockets(0, '127.0.0.1'));
  server.stop();
  server.stop();
  say('stopped');
}

function startTwice() {
  const server = new TCPServer();
  server.start();
  try {
    server.start();
  } catch (error) {
    say(error.name);
  }
}

const sslOptions = (options) => () => {
  try {
    new TCPServer({ sslOptions: options });
  } catch (error) {
    say(error.message);
  }
};

const CASES = {
  hello: () => talk(new Hello()),
  'hello on localhost': () => talk(new Hello(), 'localhost'),
  'hello on two families': () => talk(new Hello(), null),
  'error in handle_stream': () => talk(new Failing()),
  'error in a coroutine': () => talk(new FailingLater()),
  'handle_stream not overridden': () => talk(new TCPServer()),
  'bind after start': bindAfterStart,
  'stop frees the port': stopFreesThePort,
  'stop twice': stopTwice,
  'start twice': startTwice,
  'ssl without certfile': sslOptions({ keyfile: '/missing.key' }),
  'ssl with nothing': sslOptions({}),
  'ssl with a missing certfile': sslOptions({ certfile: '/missing.crt' }),
  'ssl with a missing keyfile': sslOptions({ certfile: '/etc/hosts', keyfile: '/missing.key' }),
};

await CASES[process.argv[2]]();
