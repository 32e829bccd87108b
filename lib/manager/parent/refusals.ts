/** From the start of the parent to its first fork: what it waits for, and what it refuses. */

import { binding } from '../../base/binding';
import { preforkError } from '../../base/errors';
import { type ActiveThing, activeRequests, activeThings, formatActive } from '../../fork/active';
import type { Wish } from '../listening/bind';
import { formatWish } from '../listening/bind';

const cluster = require('node:cluster') as import('node:cluster').Cluster;

export const TWO_MANAGERS =
  'The application starts workers of its own with node:cluster: run it with plain node, or have it only start its ' +
  'server under prefork (without the branch for cluster.isPrimary)';

/** Two managers would fork each other's workers. */
export function refuseCluster(): void {
  Object.assign(cluster, {
    fork: () => {
      throw preforkError('ERR_PREFORK_UNSUPPORTED', TWO_MANAGERS);
    },
  });
}

/** What workers cannot share: bytes that one of them reads the others will never see. */
export function unsharable(): ActiveThing[] {
  return activeThings().filter(({ kind, detail }) => kind === 'socket' && !detail.startsWith('UDP'));
}

export function explainUnsharable(things: ActiveThing[]): string {
  const list = things.map((thing) => `\n  - ${formatActive(thing)}`).join('');
  return (
    'The application has connections open before its server listens; all workers would read and write the same ones:' +
    `${list}\nOpen them in each worker: in the hook afterFork, or once the server listens; or close them in the hook ` +
    'beforeFork. With PREFORK_TRACE=1 in the environment this says where each was opened.'
  );
}

export function isBusy(): boolean {
  return binding.requests_in_flight() > 0;
}

export function explainBusy(): string {
  const list = activeRequests()
    .map((thing) => `\n  - ${formatActive(thing)}`)
    .join('');
  return (
    'The application always has something under way, which every worker would do again, so that it cannot be forked:' +
    `${list}\nWait for it before the server listens.`
  );
}

/** Why an address cannot be bound, and what to do. */
export function explainBind(wish: Wish, error: NodeJS.ErrnoException): string {
  const name = formatWish(wish);
  const advice = adviceFor(wish, error.code);
  return `Cannot listen on ${name}: ${advice ?? error.message}`;
}

function adviceFor(wish: Wish, code: string | undefined): string | undefined {
  const { kind } = wish;
  switch (code) {
    case 'EADDRINUSE':
      if (kind === 'unix') return 'another process serves this socket: stop it, or choose another path';
      return `the port is in use: stop the process that has it (ss -ltnp shows which), or choose another one`;
    case 'EACCES':
      if (kind === 'unix') return 'this user may not create that file';
      return 'this user may not use that port: take one above 1023, or give the process CAP_NET_BIND_SERVICE';
    case 'EADDRNOTAVAIL':
      return 'this machine does not have that address';
    case 'ENOTFOUND':
      return 'that host name is not known';
    case 'EBADF':
    case 'ENOTSOCK':
      return 'no socket was handed over under that number';
    default:
      return undefined;
  }
}
