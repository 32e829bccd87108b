import type { Bind } from '../settings';
import { formatBind } from './bind';

/** Says why an address cannot be bound, and what to do. */
export function explainBind(bind: Bind, error: { message: string; code?: string | undefined }): string {
  const name = formatBind(bind);
  const advice = adviceFor(bind, error.code);
  return `Cannot listen on ${name}: ${advice ?? error.message}`;
}

function adviceFor(bind: Bind, code: string | undefined): string | undefined {
  const { kind } = bind;
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
      return `descriptor ${bind.kind === 'fd' ? bind.fd : ''} is not a socket; was it passed by systemd?`;
    default:
      return undefined;
  }
}
