// What bindSockets refuses, and how. argv: one case.
import { AF_INET, AF_INET6, AI_NUMERICHOST, bindSockets } from 'prefork/netutil';
import { say } from './configure.mjs';

function taken(address) {
  return bindSockets(0, address)[0].address().port;
}

const CASES = {
  'port in use': () => bindSockets(taken('127.0.0.1'), '127.0.0.1'),
  'port in use, IPv6': () => bindSockets(taken('::1'), '::1'),
  'port in use on one of two families': () => bindSockets(taken('::')),
  'port in use with reuse_port by one only': () =>
    bindSockets(taken('127.0.0.1'), '127.0.0.1', { reusePort: true }),
  'address of another machine': () => bindSockets(0, '203.0.113.1'),
  'address of another machine, IPv6': () => bindSockets(0, '2001:db8::1'),
  'link-local address without a scope': () => bindSockets(0, 'fe80::1'),
  'unknown host': () => bindSockets(0, 'nosuchhost.invalid'),
  'no host name at all': () => bindSockets(0, 'a b'),
  'label too long': () => bindSockets(0, 'x'.repeat(70)),
  'address of the other family': () => bindSockets(0, '127.0.0.1', { family: AF_INET6 }),
  'address of the other family, IPv6': () => bindSockets(0, '::1', { family: AF_INET }),
  'host name where only numbers may be': () => bindSockets(0, 'localhost', { flags: AI_NUMERICHOST }),
  'port below zero': () => bindSockets(-1),
  'port beyond 65535': () => bindSockets(99999),
};

try {
  const sockets = CASES[process.argv[2]]();
  say(`${sockets.length} sockets`);
} catch (error) {
  say(error.code === 'ERR_PREFORK_OUT_OF_RANGE' ? error.name : error.code);
}
