// Sockets to be looked at from outside. argv: how they are bound. Ends when standard input does.
import { readSync } from 'node:fs';
import { AF_INET, AF_INET6, bindSockets } from 'prefork/netutil';
import { say } from './configure.mjs';

const CASES = {
  'port 0 on two families': () => bindSockets(0),
  'empty address': () => bindSockets(0, ''),
  localhost: () => bindSockets(0, 'localhost'),
  '127.0.0.1': () => bindSockets(0, '127.0.0.1'),
  '::1': () => bindSockets(0, '::1'),
  127.1: () => bindSockets(0, '127.1'),
  'IPv4 only': () => bindSockets(0, null, { family: AF_INET }),
  'IPv6 only': () => bindSockets(0, null, { family: AF_INET6 }),
  'backlog 5': () => bindSockets(0, null, { backlog: 5 }),
  reuse_port: () => bindSockets(0, null, { reusePort: true }),
  'no flags': () => bindSockets(0, null, { flags: 0 }),
};

const sockets = CASES[process.argv[2]]();
const addresses = sockets.map((socket) => socket.address());
const ports = new Set(addresses.map(({ port }) => port));
for (const { family, address } of addresses) say(`${family === 'IPv4' ? 'AF_INET' : 'AF_INET6'} ${address}`);
say(`${ports.size} port`);
say('ready');
readSync(0, Buffer.alloc(1));
