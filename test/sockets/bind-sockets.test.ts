// The sockets must be those that Tornado binds: as many, on the same addresses, with the same options.
import { readFileSync } from 'node:fs';
import type * as net from 'node:net';
import { describe, expect, it } from 'vitest';
import { AF_INET, AF_INET6, bindSockets } from '../../lib/netutil';
import { bound, LOOPBACKS, only, portOf, thrownBy } from './sockets';
import { hasTornado, tornado } from './tornado';

describe('bindSockets', () => {
  // tornado.test.netutil_test.TestPortAllocation.test_same_port_allocation
  it.each([['localhost'], [null]])('gives all sockets of %s the same free port', (address) => {
    const sockets = bound(0, address);
    const ports = new Set(sockets.map(portOf));

    expect(ports.size).toBe(1);
    expect(ports).not.toContain(0);
  });

  // tornado.test.netutil_test.TestPortAllocation.test_reuse_port
  it('lets a port be bound twice if both ask for it, and not otherwise', () => {
    const port = portOf(only(bound(0, '127.0.0.1', { reusePort: true })));

    expect(portOf(only(bound(port, '127.0.0.1', { reusePort: true })))).toBe(port);
    expect(thrownBy(() => bindSockets(port, '127.0.0.1'))).toMatchObject({ code: 'EADDRINUSE' });
  });

  it('binds IPv4 first, then IPv6, on every interface', () => {
    const wildcards = bound(0).map((socket) => socket.address());

    expect(wildcards).toMatchObject([
      { address: '0.0.0.0', family: 'IPv4' },
      { address: '::', family: 'IPv6' },
    ]);
    expect(bound(0, '').map(({ family }) => family)).toEqual([AF_INET, AF_INET6]);
    expect(bound(0, undefined).map(({ family }) => family)).toEqual([AF_INET, AF_INET6]);
  });

  it.each([
    [AF_INET, '0.0.0.0'],
    [4, '0.0.0.0'],
    [AF_INET6, '::'],
    [6, '::'],
  ])('binds one family only when asked: %i', (family, address) => {
    expect(only(bound(0, null, { family })).address()).toMatchObject({ address });
  });

  it('without AI_PASSIVE binds loopback', () => {
    expect(
      new Set(bound(0, null, { flags: 0 }).map((s) => (s.address() as net.AddressInfo).address)),
    ).toEqual(new Set(LOOPBACKS));
  });

  it('closes its sockets on exec', () => {
    for (const { fd } of bound(0)) {
      const flags = Number.parseInt(
        /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '',
        8,
      );
      expect(flags & 0o2000000).not.toBe(0);
    }
  });

  it
    .skipIf(!hasTornado)
    .each([
      {},
      { address: '' },
      { address: 'localhost' },
      { address: '127.0.0.1' },
      { address: '::1' },
      { family: AF_INET },
      { family: AF_INET6 },
      { flags: 0 },
      { backlog: 7 },
      { reusePort: true },
    ])('sets the options that Tornado sets: %j', ({ address, reusePort, ...rest }) => {
    const sockets = bound(0, address, { ...rest, ...(reusePort ? { reusePort } : {}) });
    const inherited = sockets.map((_, index) => String(3 + index));
    const asked = { ...rest, ...(address === undefined ? {} : { address }), reuse_port: reusePort ?? false };

    const ours = tornado(
      ['describe', ...inherited],
      sockets.map(({ fd }) => fd),
    );
    const theirs = tornado(['bind', JSON.stringify(asked)]);

    expect(ours).toEqual(theirs);
  });
});
