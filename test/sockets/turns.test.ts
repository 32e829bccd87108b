import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { addSockets, bindSockets, type ListeningSocket } from '../..';
import { Turns } from '../../dist/sockets/turns';
import { canTakeTurns } from '../helpers/turns';

const COUNT = 60; // that the hash leaves out one of three sockets has the probability of 1 in 10^10

/** On the port of another, or on a free one. */
function bindOne(port = 0): ListeningSocket {
  const [socket] = bindSockets(port, '127.0.0.1', { reusePort: true });
  return socket as ListeningSocket;
}

function portOf(socket: ListeningSocket): number {
  return (socket.address() as { port: number }).port;
}

/** Counts the connections that come to it. */
function serve(socket: ListeningSocket): () => number {
  let count = 0;
  const server = createServer((connection) => {
    count += 1;
    connection.end();
  });
  addSockets(server, [socket]);
  onTestFinished(() => void server.close());
  return () => count;
}

async function connectOften(port: number): Promise<void> {
  const connections = Array.from({ length: COUNT }, () => connect(port, '127.0.0.1').resume());
  await Promise.all(connections.map((connection) => once(connection, 'close')));
}

test.runIf(canTakeTurns)(
  'Sockets with turns have as many connections each, and one without has none.',
  async () => {
    const first = bindOne();
    const sockets = [first, bindOne(portOf(first)), bindOne(portOf(first))];
    const counts = sockets.map(serve);
    const turns = Turns.take(first.fd, 2) as Turns;
    turns.add([
      [0, first.fd],
      [1, (sockets[1] as ListeningSocket).fd],
    ]);
    await connectOften(portOf(first));
    expect(counts.map((count) => count())).toEqual([COUNT / 2, COUNT / 2, 0]);

    turns.delete(0);
    await connectOften(portOf(first));
    expect(counts.map((count) => count())).toEqual([COUNT / 2, COUNT / 2 + COUNT, 0]);
    turns.close();
  },
);

test.runIf(canTakeTurns)('When one cannot be given a turn, none has: the hash serves all.', async () => {
  const first = bindOne();
  const sockets = [first, bindOne(portOf(first)), bindOne(portOf(first))];
  const counts = sockets.map(serve);
  const turns = Turns.take(first.fd, 2) as Turns;
  turns.add(sockets.map(({ fd }, slot) => [slot, fd])); // the third has no slot
  await connectOften(portOf(first));
  expect(counts.map((count) => count())).not.toContain(0);
});
