// Each connection must reach the callback once, however many wait, whatever it throws and whenever it stops.
import * as net from 'node:net';
import { describe, expect, it } from 'vitest';
import { type LogRecord, setLogger } from '../../lib/log';
import { addAcceptHandler, type ListeningSocket } from '../../lib/netutil';
import { start } from '../helpers/run';
import { bound, connect, LOOPBACKS, only, portOf, readAll, thrownBy } from './sockets';

describe('addAcceptHandler', () => {
  /** `count` clients of `socket` that the kernel has connected and nobody has accepted. */
  async function queue(socket: ListeningSocket, count: number): Promise<net.Socket[]> {
    const connecting = Array.from({ length: count }, () =>
      connect({ host: '127.0.0.1', port: portOf(socket) }),
    );
    return Promise.all(connecting);
  }

  it('hands over each connection and its other end', async () => {
    for (const host of LOOPBACKS) {
      const socket = only(bound(0, host));
      const accepted = new Promise<[net.Socket, unknown]>((resolve) => {
        const stop = addAcceptHandler(socket, (connection, address) => {
          resolve([connection, address]);
          stop();
        });
      });
      const client = await connect({ host, port: portOf(socket) });
      const [connection, address] = await accepted;

      expect(address).toEqual({
        address: host,
        family: net.isIPv6(host) ? 'IPv6' : 'IPv4',
        port: client.localPort,
      });
      connection.end('hello');
      expect(await readAll(client)).toBe('hello');
    }
  });

  it('accepts 128 connections a turn, and lets each leave its ticks behind', async () => {
    const socket = only(bound(0, '127.0.0.1', { backlog: 512 }));
    const clients = await queue(socket, 300);
    const turns: number[] = [];
    const order: string[] = [];
    let thisTurn = 0;
    await new Promise<void>((resolve) => {
      const endTurn = () => {
        if (thisTurn > 0) turns.push(thisTurn);
        thisTurn = 0;
        if (turns.reduce((sum, each) => sum + each, 0) < 300) setImmediate(endTurn);
        else resolve();
      };
      setImmediate(endTurn);
      addAcceptHandler(socket, (connection) => {
        thisTurn++;
        order.push('connection');
        process.nextTick(() => order.push('tick'));
        connection.destroy();
      });
    });

    expect(turns).toEqual([128, 128, 44]);
    expect(order.slice(0, 4)).toEqual(['connection', 'tick', 'connection', 'tick']);
    for (const client of clients) client.destroy();
  });

  it('stops in the middle of a turn, and leaves the rest in the queue', async () => {
    const socket = only(bound(0, '127.0.0.1'));
    const clients = await queue(socket, 5);
    const first = await new Promise<number>((resolve) => {
      let count = 0;
      const stop = addAcceptHandler(socket, (connection) => {
        connection.destroy();
        stop();
        stop();
        count++;
        setImmediate(() => resolve(count));
      });
    });
    const rest = await new Promise<number>((resolve) => {
      let count = 0;
      addAcceptHandler(socket, (connection) => {
        connection.destroy();
        if (++count === 4) setImmediate(() => resolve(count));
      });
    });

    expect([first, rest]).toEqual([1, 4]);
    for (const client of clients) client.destroy();
  });

  it.each(['throws', 'rejects'])(
    'goes on after a callback that %s, logs it, and closes the connection',
    async (how) => {
      const socket = only(bound(0, '127.0.0.1'));
      const records: LogRecord[] = [];
      setLogger((record) => records.push(record));
      const [first, second] = await queue(socket, 2);
      const oops = new Error('oops');
      const stop = addAcceptHandler(socket, () => {
        if (how === 'rejects') return Promise.reject(oops);
        throw oops;
      });
      for (const client of [first, second]) expect(await readAll(client as net.Socket)).toBe('');
      setLogger(null);
      stop();

      const expected = {
        name: 'tornado.application',
        level: 'error',
        message: 'Exception in callback',
        error: oops,
      };
      expect(records).toMatchObject([expected, expected]);
    },
  );

  it('is one a socket, and none on a closed one', () => {
    const socket = only(bound(0, '127.0.0.1'));
    const stop = addAcceptHandler(socket, () => {});
    expect(thrownBy(() => addAcceptHandler(socket, () => {}))).toMatchObject({
      code: 'EEXIST',
      syscall: 'accept',
    });
    stop();
    addAcceptHandler(socket, () => {})();
    socket.close();
    expect(thrownBy(() => addAcceptHandler(socket, () => {})).code).toBe('EBADF');
  });

  it('leaves the queue alone for a second when the process is out of descriptors', async () => {
    const under = ['sh', '-c', 'ulimit -n 64 && exec "$0" "$1"'];
    const program = start('sockets/out-of-descriptors.js', { under });
    await program.until(/^\d+/);
    const port = program.stdout;
    const client = await connect({ host: '127.0.0.1', port: Number(port) });

    expect(await readAll(client)).toBe('served');
    expect((await program.result).stdout).toBe(
      `${port}AcceptWarning: accept EMFILE: this process has as many open files as it may (ulimit -n): no connection is accepted for 1 s\n`,
    );
  });
});
