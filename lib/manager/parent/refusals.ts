/** From the start of the parent to its first fork: what it waits for, and why it refuses. */

import { binding } from '../../base/binding';
import { preforkError } from '../../base/errors';
import { type ActiveThing, activeRequests, activeThings, formatActive } from '../../fork/active';
import type { Wish } from '../listening/bind';
import { formatWish } from '../listening/bind';

const cluster = require('node:cluster') as import('node:cluster').Cluster;

export const TWO_MANAGERS =
  'The application starts its own workers with node:cluster: run it with plain node, or remove the branch for ' +
  'cluster.isPrimary, so that it only starts its server';

/** Two managers would fork each other's workers. */
export function refuseCluster(): void {
  Object.assign(cluster, {
    fork: () => {
      throw preforkError('ERR_PREFORK_UNSUPPORTED', TWO_MANAGERS);
    },
  });
}

/** Connections: workers cannot share them, because bytes that one reads the others never see. */
export function unsharable(): ActiveThing[] {
  return activeThings().filter(({ kind, detail }) => kind === 'socket' && !detail.startsWith('UDP'));
}

export function explainUnsharable(things: ActiveThing[]): string {
  const list = things.map((thing) => `\n  - ${formatActive(thing)}`).join('');
  return (
    'The application opened connections before its server listens, and all workers would share them:' +
    `${list}\nOpen them in each worker: in the hook afterFork, or once the server listens; or close them in the hook ` +
    'beforeFork. PREFORK_TRACE=1 in the environment shows where each was opened.'
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
    'The application cannot be forked: it always has requests in flight, which every worker would repeat:' +
    `${list}\nWait for them before the server listens.`
  );
}

/** Says why an address cannot be bound, and what to do. */
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
      if (kind === 'unix') return 'no permission to create that file';
      return 'no permission to use that port: choose one above 1023, or give the process CAP_NET_BIND_SERVICE';
    case 'EADDRNOTAVAIL':
      return 'this machine does not have that address';
    case 'ENOTFOUND':
      return 'unknown host name';
    case 'EBADF':
    case 'ENOTSOCK':
      return `descriptor ${kind === 'fd' ? wish.fd : ''} is not a socket; was it passed by systemd?`;
    default:
      return undefined;
  }
}
