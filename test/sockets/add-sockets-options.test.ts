// A server must treat its connections as the options say with which it was created.
import { once } from 'node:events';
import * as net from 'node:net';
import { describe, expect, it } from 'vitest';
import { binding } from '../../lib/base/binding';
import { addSockets } from '../../lib/netutil';
import { bound, closed, connect, portOf, readAll } from './sockets';

describe('addSockets', () => {
  /** A connection to a server with these options: the client's end and the server's. */
  async function pair(server: net.Server): Promise<[net.Socket, net.Socket]> {
    const sockets = bound(0, '127.0.0.1');
    addSockets(server, sockets);
    const accepted = once(server, 'connection');
    const client = await connect({ host: '127.0.0.1', port: portOf(sockets[0]) });
    const [connection] = (await accepted) as [net.Socket];
    return [client, connection];
  }

  it('respects allowHalfOpen', async () => {
    const server = net.createServer({ allowHalfOpen: true });
    const [client, connection] = await pair(server);
    client.end('question');
    expect(await readAll(connection.setEncoding('utf8'))).toBe('question');
    connection.end('answer');
    expect(await readAll(client)).toBe('answer');
    await closed(server);
  });

  it('respects pauseOnConnect', async () => {
    const server = net.createServer({ pauseOnConnect: true });
    const [client, connection] = await pair(server);
    client.end('patience');
    expect(connection.isPaused()).toBe(true);
    const received = readAll(connection.setEncoding('utf8'));
    connection.resume();
    expect(await received).toBe('patience');
    connection.end();
    await closed(server);
  });

  it.each([true, false])('respects noDelay and keepAlive: %s', async (on) => {
    const server = net.createServer({ noDelay: on, keepAlive: on });
    const [client, connection] = await pair(server);
    const { fd } = (connection as unknown as { _handle: { fd: number } })._handle;
    const [IPPROTO_TCP, TCP_NODELAY, SO_KEEPALIVE] = [6, 1, 9];

    expect(binding.socket_getsockopt(fd, IPPROTO_TCP, TCP_NODELAY)).toBe(Number(on));
    expect(binding.socket_getsockopt(fd, binding.socket_constants.SOL_SOCKET, SO_KEEPALIVE)).toBe(Number(on));
    client.destroy();
    connection.destroy();
    await closed(server);
  });

  it('drops what is beyond maxConnections', async () => {
    const server = net.createServer();
    server.maxConnections = 1;
    const [client, connection] = await pair(server);
    const dropped = once(server, 'drop');
    const extra = await connect({ host: '127.0.0.1', port: (server.address() as net.AddressInfo).port });
    const [drop] = await dropped;

    expect(drop).toMatchObject({ localAddress: '127.0.0.1', remotePort: extra.localPort });
    client.destroy();
    connection.destroy();
    await closed(server);
  });
});
