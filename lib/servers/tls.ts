/** Tornado's `ssl_options` as Node takes them, and TLS errors as Tornado logs them. */
import { existsSync, readFileSync } from 'node:fs';
import type { Server } from 'node:net';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { inspect } from 'node:util';
import { type Given, given, invalidValue } from '../base/arguments';
import { wellSpelledOptions } from '../base/option-names';
import { logAsTornado } from '../log/loggers';
import { genLog } from '../log/tornado-loggers';

/** Python's dictionary of arguments to `ssl.wrap_socket`. */
export interface SslFiles {
  /** PEM file of the certificate and those that lead to its authority; may hold the key too. */
  certfile: string;
  /** PEM file of the key; `certfile` if left out. */
  keyfile?: string | null;
  /** PEM file of the authorities that client certificates may come from. Default: none, so that all are refused. */
  caCerts?: string | null;
  /**
   * `ssl.CERT_NONE`, `CERT_OPTIONAL`, `CERT_REQUIRED`: whether clients are asked for a certificate, and must show one.
   * A certificate that `caCerts` did not issue is refused in either case. Default 'none'.
   */
  certReqs?: 'none' | 'optional' | 'required' | null;
  /** In OpenSSL's notation. */
  ciphers?: string | null;
}

/** Files as in Python; beside them or, as an `ssl.SSLContext`, in place of them, what `tls.createServer` takes. */
export type SslOptions = SslFiles | TlsOptions;

type KnownSslOptions = Given<Partial<SslFiles>> & TlsOptions;

/** Python's dictionary checked and read; what is Node's as it is. */
export function tlsOptions(options: SslOptions): TlsOptions {
  const { certfile, keyfile, caCerts, certReqs, ...nodes } = checked(
    given('sslOptions', options) as KnownSslOptions,
  );
  const tls: TlsOptions = nodes;
  if (certfile !== undefined) {
    tls.cert = readFileSync(certfile);
    tls.key = readFileSync(keyfile ?? certfile);
  }
  if (caCerts !== undefined) tls.ca = readFileSync(caCerts);
  if (certReqs !== undefined) {
    tls.requestCert = certReqs !== 'none';
    tls.rejectUnauthorized = certReqs === 'required';
    // Node would trust every authority of the web.
    if (certReqs !== 'none') tls.ca ??= [];
  }
  return tls;
}

/** For a server whose clients may show a certificate and need not. */
export function asksForCertificates(options: SslOptions | null | undefined): boolean {
  return (options as Partial<SslFiles> | null | undefined)?.certReqs === 'optional';
}

/** CERT_OPTIONAL: a client without a certificate is let in, one with a wrong certificate is not. Node does both or neither. */
export function refuseUntrusted(stream: TLSSocket): void {
  if (stream.authorized || stream.getPeerX509Certificate() === undefined) return;
  reportTlsError(stream, String(stream.authorizationError));
  stream.destroy();
}

/** TLS errors of single connections: logged as IOStream does, without a stack. */
export function reportTlsErrors<S extends Server>(server: S): S {
  return server.on(
    'tlsClientError',
    (error: Error & { code?: string; reason?: string }, stream: TLSSocket) => {
      // A connection that merely broke is no news.
      if (error.code?.startsWith('ERR_SSL') !== true) return;
      reportTlsError(stream, error.reason ?? error.message.trim());
    },
  );
}

function reportTlsError({ remoteAddress, remotePort }: TLSSocket, reason: string): void {
  const peer = remoteAddress === undefined ? '(not connected)' : `('${remoteAddress}', ${remotePort})`;
  logAsTornado(genLog, 'warning', `SSL Error on ${peer}: ${reason}`, 'iostream:1404');
}

const CERT_REQS: readonly unknown[] = ['none', 'optional', 'required'];

/** Options that Node would ignore silently, and with them the safety that was asked for. */
const NOT_TAKEN = {
  cert_reqs: 'its name is certReqs',
  ca_certs: 'its name is caCerts',
  ssl_version: 'its names are minVersion and maxVersion',
  secureContext: 'a server needs what the context was made of: cert and key, or certfile',
};

/** What Node takes instead of a certificate file. */
const IDENTITIES = ['cert', 'pfx', 'SNICallback', 'pskCallback'];

const SSL_OPTIONS = [
  'certfile',
  'keyfile',
  'caCerts',
  'certReqs',
  'ciphers',
] as const satisfies readonly (keyof SslFiles)[];

/** TCPServer.__init__: only certfile is required, because it can hold both. */
function checked(options: KnownSslOptions): KnownSslOptions {
  const { certfile, keyfile, certReqs = 'none' } = options;
  for (const [name, why] of Object.entries(NOT_TAKEN)) {
    if (name in options) throw invalidValue(`${name} is not taken in ssl_options: ${why}`);
  }
  wellSpelledOptions('sslOptions', options, SSL_OPTIONS);
  if (!CERT_REQS.includes(certReqs)) {
    throw invalidValue(
      `Expected 'none', 'optional' or 'required' for certReqs but received ${inspect(certReqs)}`,
    );
  }
  const hasOther = keyfile === undefined && IDENTITIES.some((name) => name in options);
  if (certfile === undefined && !hasOther) throw invalidValue('missing key "certfile" in ssl_options');
  if (certfile !== undefined && !existsSync(certfile)) {
    throw invalidValue(`certfile "${certfile}" does not exist`);
  }
  if (keyfile !== undefined && !existsSync(keyfile))
    throw invalidValue(`keyfile "${keyfile}" does not exist`);
  return options;
}
