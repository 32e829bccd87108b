/** Who looks at the page without taking what is sent is let go; the others go on. */
import { createServer, get } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { eventOf, Viewers } from '../../../lib/manager/attendant/viewers';

async function serveViewers(viewers: Viewers): Promise<number> {
  const server = createServer((_, response) => viewers.add(response, eventOf('first', [])));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

test('A viewer that takes nothing is let go, one that reads is not.', async () => {
  const viewers = new Viewers();
  const port = await serveViewers(viewers);
  const slow = connect(port, '127.0.0.1', () =>
    slow.pause().write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
  );
  const wasLetGo = new Promise((resolve) => slow.on('close', resolve).on('error', () => {}));
  let seen = 0;
  await new Promise<void>((resolve) => {
    get({ port, host: '127.0.0.1', agent: false }, (response) => {
      response.on('data', (bytes: Buffer) => {
        seen += bytes.length;
      });
      response.once('data', () => resolve());
    });
  });
  const event = eventOf('survey', 'x'.repeat(100_000));
  // More than the kernel keeps for both ends of a connection, and than a viewer may leave.
  for (let sent = 0; sent < 200; sent++) {
    const before = seen;
    viewers.tell(event);
    while (seen < before + event.length) await setImmediate();
  }
  slow.resume();
  await wasLetGo;
  expect(viewers.areThere).toBe(true);
});

test('No more than twenty may look, and nobody any more at the end.', async () => {
  const viewers = new Viewers();
  const port = await serveViewers(viewers);
  const look = () =>
    new Promise<void>((resolve) => {
      get({ port, host: '127.0.0.1', agent: false }, (response) => response.once('data', () => resolve()));
    });
  for (let count = 0; count < 20; count++) {
    expect(viewers.areTooMany).toBe(false);
    await look();
  }
  expect(viewers.areTooMany).toBe(true);
  const others = new Viewers();
  others.end();
  expect(others.areTooMany).toBe(true);
});
