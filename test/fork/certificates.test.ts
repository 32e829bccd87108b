import { execFileSync } from 'node:child_process';
import { mkdtempSync, promises, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import * as tls from 'node:tls';
import { afterAll, test as anyTest, expect } from 'vitest';
import { start } from '../helpers/run';

const directory = mkdtempSync(join(tmpdir(), 'prefork-test-'));
afterAll(() => rmSync(directory, { recursive: true }));

const test = anyTest.skipIf(!('getCACertificates' in tls));

test('Certificates that Node reads in a thread of its own arrive in both processes, whole.', async () => {
  const file = join(directory, 'extra.fifo');
  execFileSync('mkfifo', [file]);
  const program = start('fork/certificates.js', { env: { NODE_EXTRA_CA_CERTS: file } });
  const writer = await promises.open(file, 'w'); // once that thread has opened it to read
  await writer.write(`${tls.rootCertificates.slice(0, 50).join('\n')}\n`);
  expect(await program.line()).toBe('forks');
  for (const certificate of tls.rootCertificates.slice(50, 100)) {
    for (const line of certificate.split('\n')) {
      await writer.write(`${line}\n`);
      await setImmediate();
    }
  }
  await writer.close();
  const stdout = 'forks\nparent: 100, child: 100\n';
  expect(await program.result).toEqual({ status: 0, signal: null, stdout, stderr: '' });
});
