import { once } from 'node:events';
import * as net from 'node:net';
import { expect, onTestFinished } from 'vitest';
import { bindSockets, bindUnixSocket, type ListeningSocket } from '../../lib/netutil';

export const LOOPBACKS = ['127.0.0.1', '::1'];

/** Bound sockets that the test need not close. */
export function bound(...args: Parameters<typeof bindSockets>): ListeningSocket[] {
  const sockets = bindSockets(...args);
  onTestFinished(() => {
    for (const socket of sockets) socket.close();
  });
  return sockets;
}

export function boundUnix(...args: Parameters<typeof bindUnixSocket>): ListeningSocket {
  const socket = bindUnixSocket(...args);
  onTestFinished(() => socket.close());
  return socket;
}

export function portOf(socket: ListeningSocket | undefined): number {
  const address = socket?.address();
  if (typeof address !== 'object') throw new Error('not a TCP socket');
  return address.port;
}

export function only<T>(values: T[]): T {
  expect(values).toHaveLength(1);
  return values[0] as T;
}

export function thrownBy(action: () => unknown): NodeJS.ErrnoException & Record<string, unknown> {
  try {
    action();
  } catch (error) {
    return error as NodeJS.ErrnoException & Record<string, unknown>;
  }
  throw new Error('nothing was thrown');
}

export async function connect(options: net.NetConnectOpts): Promise<net.Socket> {
  const client = net.connect(options);
  await once(client, 'connect');
  return client;
}

export async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  let all = '';
  stream.on('data', (chunk) => {
    all += chunk;
  });
  await once(stream, 'end');
  return all;
}

export async function closed(server: net.Server): Promise<void> {
  await new Promise<void>((resolve, reject) => server.close((error) => (error ? reject(error) : resolve())));
}

export async function connectionCount(server: net.Server): Promise<number> {
  return new Promise((resolve) => server.getConnections((_, count) => resolve(count)));
}
