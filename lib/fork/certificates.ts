import { hasNodeLoaded } from '../base/loaded-builtins';

/** Not in the oldest Node versions, which read certificates when they are wanted. */
interface Tls {
  getCACertificates?(type: 'extra' | 'system'): string[];
}

/** Copied by a fork, as the certificates are. */
let complete = false;

function usesSystemCertificates(): boolean {
  const { NODE_OPTIONS = '', NODE_USE_SYSTEM_CA } = process.env as {
    NODE_OPTIONS?: string;
    NODE_USE_SYSTEM_CA?: string;
  };
  const options = [...process.execArgv, NODE_OPTIONS];
  return NODE_USE_SYSTEM_CA === '1' || options.some((text) => text.includes('--use-system-ca'));
}

/**
 * Once node:tls is loaded, Node reads certificates in a separate thread (nodejs/node #59856). A fork in the middle of that
 * would make two processes read one file at one offset, so that each gets a part: "Ignoring extra certs from …, load
 * failed". Asking for the certificates waits for that thread.
 */
export function awaitCertificates(): void {
  if (complete || !hasNodeLoaded('tls')) return;
  const tls = require('node:tls') as Tls;
  tls.getCACertificates?.('extra');
  if (usesSystemCertificates()) tls.getCACertificates?.('system');
  complete = true;
}
