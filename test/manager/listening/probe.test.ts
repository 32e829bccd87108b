/** Applications look for a free port, as with get-port, portfinder and detect-port: the port that they find is free. */
import { createServer, type Server } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../helpers/port';
import { type Served, serve } from '../../helpers/served';

/** The shapes of what packages do; `look(port)` calls back with the first one that is free on all addresses. */
const SHAPES = {
  // get-port, get-port-please, detect-port: a server for each address, without a listener.
  'a server for each address': `
    const tryOn = (port, host) => new Promise((resolve, reject) => {
      const server = net.createServer();
      server.unref();
      server.on('error', reject);
      server.listen({ port, host }, () => {
        const found = server.address().port;
        server.close(() => resolve(found));
      });
    });
    const look = async (port, done) => {
      try {
        for (const host of [undefined, '0.0.0.0', '127.0.0.1']) await tryOn(port, host);
        done(port);
      } catch {
        look(port + 1, done);
      }
    };`,
  // portfinder: one server that goes from port to port, with a listener that does nothing.
  'one server for all ports': `
    const tryOn = (host, port, done, server = net.createServer(function () {
      //
      // Nothing.
      //
    })) => {
      const failed = () => {
        server.removeListener('listening', listens);
        tryOn(host, port + 1, done, server);
      };
      const listens = () => {
        server.removeListener('error', failed);
        server.close();
        done(port);
      };
      server.once('error', failed);
      server.once('listening', listens);
      server.listen(port, host);
    };
    const look = (port, done, hosts = ['0.0.0.0', '127.0.0.1']) =>
      hosts.length === 0 ? done(port) : tryOn(hosts[0], port, (found) => look(found, done, hosts.slice(1)));`,
};

const application = (shape: string, begin: number, host: string) => `
  const net = require('node:net');
  ${shape}
  look(${begin}, (port) => {
    require('node:http').createServer((_, response) => response.end('served')).listen(port, '${host}');
  });`;

function start(source: string, preload: string): Promise<Served> {
  return serve(['app.js', '-w', '3', '--preload', preload], { files: { 'app.js': source } });
}

/** What it has said of addresses, without times and pids. */
function addresses({ log }: Served): string[] {
  return [...log.matchAll(/Listening on .*|Cannot listen on .*|No longer .*/g)].map(([line]) => line);
}

function hold(port: number): Promise<Server> {
  const server = createServer();
  onTestFinished(() => void server.close());
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(server)));
}

for (const [name, shape] of Object.entries(SHAPES)) {
  test.each([
    ['yes', '0.0.0.0'],
    ['yes', '127.0.0.1'],
    ['no', '0.0.0.0'],
    ['no', '127.0.0.1'],
  ])(
    `${name}, --preload %s, %s: all workers find the same, also after a reload, and nothing else is bound.`,
    async (preload, host) => {
      const port = freePort(2);
      const served = await start(application(shape, port, host), preload);
      expect(await served.ask('/', { port })).toBe('served');
      served.running.kill('SIGHUP');
      await served.until(/Every worker has been replaced/);
      expect(await served.ask('/', { port })).toBe('served');
      expect(await served.stop()).toBe('status 0');
      expect(addresses(served)).toEqual([`Listening on ${host}:${port} with 3 workers`]);
    },
  );

  test.each(['yes', 'no'])(
    `${name}, --preload %s: a port that somebody else has is not free.`,
    async (preload) => {
      const port = freePort(2);
      await hold(port);
      const served = await start(application(shape, port, '127.0.0.1'), preload);
      expect(await served.ask('/', { port: port + 1 })).toBe('served');
      expect(await served.stop()).toBe('status 0');
      expect(addresses(served)).toEqual([`Listening on 127.0.0.1:${port + 1} with 3 workers`]);
    },
  );
}

test.each(['yes', 'no'])(
  'Any port that is free is the same for all workers, with --preload %s.',
  async (preload) => {
    const served = await start(application(SHAPES['a server for each address'], 0, '127.0.0.1'), preload);
    const [port = 0] = served.ports;
    expect(port).toBeGreaterThan(0);
    served.running.kill('SIGHUP');
    await served.until(/Every worker has been replaced/);
    expect(await served.ask('/', { port })).toBe('served');
    expect(await served.stop()).toBe('status 0');
    expect(addresses(served)).toHaveLength(1);
  },
);

test.each([
  ['yes', 'before it listens', 'server.listen(PORT, () => say()); serve();'],
  ['yes', 'when it listens', 'server.listen(PORT, () => { say(); serve(); });'],
  ['no', 'before it listens', 'server.listen(PORT, () => say()); serve();'],
])(
  '--preload %s: a server that gets its listener %s is a service, and hears once that it listens.',
  async (preload, _, listen) => {
    const port = freePort();
    const source = `
    const server = require('node:net').createServer();
    let said = 0;
    const say = () => (said += 1);
    const serve = () => server.on('connection', (socket) => socket.resume().end(
      'HTTP/1.1 200 OK\\r\\nConnection: close\\r\\n\\r\\nheard ' + said + ', on ' + server.address().port));
    server.on('error', (error) => { throw error; });
    ${listen.replace('PORT', `${port}, '127.0.0.1'`)}`;
    const served = await start(source, preload);
    expect(await served.ask('/', { port })).toBe(`heard 1, on ${port}`);
    expect(await served.stop()).toBe('status 0');
  },
);
