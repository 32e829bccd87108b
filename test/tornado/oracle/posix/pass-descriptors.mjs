// Cases of sendFds and recvFds.
import { closeSync, readdirSync, writeSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { constants } from 'node:os';
import { text } from 'node:stream/consumers';
import { bindSockets } from 'prefork/netutil';
import * as os from 'prefork/os';
import { say } from '../configure.mjs';
import { attempt, fail, inChild, note, python, read, statusOf } from './common.mjs';

const { SIGALRM } = constants.signals;

function passes() {
  const [ours, theirs] = os.socketpair();
  const [reading, writing] = os.pipe();
  say(os.sendFds(ours, [Buffer.from('ab'), Buffer.from('c')], [writing]));
  const [message, fds, flags] = os.recvFds(theirs, 100, 1);
  say(`${message} ${fds.length} ${flags & os.MSG_CTRUNC}`);
  closeSync(writing);
  writeSync(fds[0], 'through');
  closeSync(fds[0]);
  say(read(reading));
  say(read(reading).length);
}

const openFiles = () => readdirSync('/proc/self/fd').length;

const passesRoom = (sent, room) => () => {
  const base = openFiles() + 2;
  const [ours, theirs] = os.socketpair();
  say(os.sendFds(ours, [Buffer.from('x')], Array(sent).fill(0)));
  const [message, fds, flags] = os.recvFds(theirs, 100, room);
  say(`${message} ${fds.length} ${python((flags & os.MSG_CTRUNC) !== 0)}`);
  say(openFiles() - fds.length - base);
};

function passesTooMany() {
  const [ours] = os.socketpair();
  attempt(os.sendFds, ours, [Buffer.from('x')], Array(254).fill(0));
}

function passesPart() {
  const [ours, theirs] = os.socketpair();
  os.sendFds(ours, [Buffer.from('hello')], [0, 1]);
  for (let i = 0; i < 2; i++) {
    const [message, fds] = os.recvFds(theirs, 3, 2);
    say(`${message} ${fds.length}`);
  }
}

function passesErrors() {
  const [ours, theirs] = os.socketpair();
  attempt(os.sendFds, ours, [Buffer.from('x')], [999]);
  attempt(os.sendFds, ours, ['x'], [0]);
  attempt(os.sendFds, ours, [Buffer.from('x')], ['0']);
  attempt(os.recvFds, theirs, -1, 0);
  attempt(os.recvFds, theirs, 10, 1, os.MSG_DONTWAIT);
  closeSync(ours);
  const [message, fds] = os.recvFds(theirs, 10, 1);
  say(`${message.length} ${fds.length}`);
  attempt(os.sendFds, theirs, [Buffer.from('x')], [0]);
}

function passesWaits() {
  const [ours, theirs] = os.socketpair();
  os.signal(SIGALRM, note);
  os.alarm(1);
  const pid = inChild(() => {
    os.sleep(1.5);
    const [reading, writing] = os.pipe();
    writeSync(writing, 'from the child');
    os.sendFds(theirs, [Buffer.from('here')], [reading]);
    os._exit(0);
  });
  const [message, fds] = os.recvFds(ours, 100, 4);
  say(`${message} ${fds.length}`);
  say(read(fds[0]));
  say(statusOf(pid));
}

function passesRaises() {
  const [ours] = os.socketpair();
  os.signal(SIGALRM, fail);
  os.alarm(1);
  attempt(os.recvFds, ours, 100, 1);
}

async function passesListening() {
  const [server] = bindSockets(0, '127.0.0.1');
  const [ours, theirs] = os.socketpair();
  const { port } = server.address();
  const pid = os.fork();
  if (pid === 0) {
    const [, fds] = os.recvFds(theirs, 1, 1);
    createServer((connection) => connection.end('from the child', () => os._exit(0))).listen({ fd: fds[0] });
    return;
  }
  os.sendFds(ours, [Buffer.from('x')], [server]);
  say(await text(connect(port, '127.0.0.1')));
  say(statusOf(pid));
}

export const CASES = {
  'send_fds: a pipe': passes,
  'send_fds: none': passesRoom(0, 1),
  'send_fds: three': passesRoom(3, 3),
  'send_fds: three, room for two': passesRoom(3, 2),
  'send_fds: three, room for one': passesRoom(3, 1),
  'send_fds: two, no room': passesRoom(2, 0),
  'send_fds: 253': passesRoom(253, 253),
  'send_fds: too many': passesTooMany,
  'send_fds: read in parts': passesPart,
  'send_fds: errors': passesErrors,
  'recv_fds: waits, and handlers run': passesWaits,
  'recv_fds: a handler raises': passesRaises,
  'send_fds: a listening socket': passesListening,
};
