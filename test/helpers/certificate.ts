import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Not of RSA, whose keys take long to find, and one now and then ten times as long. */
const REQUEST =
  'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost -addext subjectAltName=DNS:localhost';

/** The files of a certificate for localhost that nobody but itself vouches for. */
export function selfSigned(directory: string, name: string): { certfile: string; keyfile: string } {
  const certfile = join(directory, `${name}.crt`);
  const keyfile = join(directory, `${name}.key`);
  execFileSync('openssl', [...REQUEST.split(' '), '-keyout', keyfile, '-out', certfile], { stdio: 'ignore' });
  return { certfile, keyfile };
}
