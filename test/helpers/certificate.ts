import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const REQUEST =
  'req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext subjectAltName=DNS:localhost';

/** The files of a certificate for localhost that nobody but itself vouches for. */
export function selfSigned(directory: string, name: string): { certfile: string; keyfile: string } {
  const certfile = join(directory, `${name}.crt`);
  const keyfile = join(directory, `${name}.key`);
  execFileSync('openssl', [...REQUEST.split(' '), '-keyout', keyfile, '-out', certfile], { stdio: 'ignore' });
  return { certfile, keyfile };
}
