// A server must be to its users what it is after listen(), until it is closed or its process ends.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import * as net from 'node:net';
import { describe, expect, it } from 'vitest';
import { addSockets } from '../../lib/netutil';
import { PYTHON } from '../helpers/oracle';
import { run, start } from '../helpers/run';
import { bound, closed, connect, connectionCount, only, portOf, readAll, thrownBy } from './sockets';
import { hasTornado } from './tornado';

describe('addSockets', () => {
  it('looks like listen(): listening, address(), the event, the connections', async () => {
    const server = net.createServer();
    expect([server.listening, server.address()]).toEqual([false, null]);
    const sockets = bound(0);
    addSockets(server, sockets);

    expect(server.listening).toBe(true);
    expect(server.address()).toEqual(sockets[0]?.address());
    await once(server, 'listening');
    const accepted = once(server, 'connection');
    const client = await connect({ host: '::1', port: portOf(sockets[0]) });
    const [connection] = (await accepted) as [net.Socket & { server: net.Server }];
    expect(connection.server).toBe(server);
    expect(await connectionCount(server)).toBe(1);

    client.destroy();
    connection.destroy();
    await closed(server);
    expect(await connectionCount(server)).toBe(0);
  });

  it('close() stops listening at once, closes the sockets and waits for the connections', async () => {
    const server = net.createServer({ allowHalfOpen: true });
    const sockets = bound(0);
    const port = portOf(sockets[0]);
    addSockets(server, sockets);
    const accepted = once(server, 'connection');
    const client = await connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    const [connection] = (await accepted) as [net.Socket];
    connection.resume();
    let isClosed = false;
    const done = closed(server).then(() => {
      isClosed = true;
    });

    expect([server.listening, ...sockets.map(({ fd }) => fd)]).toEqual([false, -1, -1]);
    expect(bound(port)).toHaveLength(2);
    connection.end('still served');
    expect(await readAll(client)).toBe('still served');
    expect([isClosed, await connectionCount(server)]).toEqual([false, 1]);
    client.end();
    await done;
    expect(await connectionCount(server)).toBe(0);
    await expect(closed(server)).rejects.toThrow('Server is not running');
  });

  it('serves all of the sockets or none', async () => {
    const [free, taken] = [only(bound(0, '127.0.0.1')), only(bound(0, '127.0.0.1'))];
    const [first, second] = [net.createServer(), net.createServer()];
    addSockets(first, [taken]);

    expect(thrownBy(() => addSockets(second, [free, taken])).code).toBe('EEXIST');
    expect([second.listening, first.listening]).toEqual([false, true]);
    addSockets(second, [free]);
    await Promise.all([closed(first), closed(second)]);
  });

  it('leaves a server alone that listens by itself', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    expect(thrownBy(() => addSockets(server, bound(0))).code).toBe('ERR_PREFORK_BUSY');
    expect(thrownBy(() => server.listen(0)).code).toBe('ERR_SERVER_ALREADY_LISTEN');
    await closed(server);
  });

  it.skipIf(!hasTornado)('tells the server when the socket is shut down by another process', async () => {
    const server = net.createServer();
    const socket = only(bound(0, '127.0.0.1'));
    addSockets(server, [socket]);
    const failed = once(server, 'error');
    const program = 'import socket; socket.socket(fileno=3).shutdown(socket.SHUT_RDWR)';
    spawnSync(PYTHON, ['-c', program], { stdio: ['ignore', 'inherit', 'inherit', socket.fd] });

    expect((await failed)[0]).toMatchObject({ code: 'EINVAL', syscall: 'accept' });
    await closed(server);
  });

  it.each(['unref', 'close'])('lets the process end: %s', async (how) => {
    const { stdout, stderr } = await run('sockets/keeps-alive.js', { args: [how] });
    expect([stdout, stderr]).toEqual(['nothing left to do\n', '']);
  });

  it('keeps the process alive otherwise', async () => {
    const program = start('sockets/keeps-alive.js', { args: [''] });
    program.stdin.write('are you there?');
    const { stdout, stderr } = await program.result;
    expect([stdout, stderr]).toEqual(['still alive\n', '']);
  });

  it('may be left to a worker thread that ends', async () => {
    const { stdout, stderr } = await run('sockets/accept-in-worker.js', { args: [''] });
    expect([stdout, stderr]).toEqual(['alive\n', '']);
  });
});
