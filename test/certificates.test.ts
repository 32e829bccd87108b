import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tls from 'node:tls';
import { afterAll, test as anyTest, expect } from 'vitest';
import { run } from './helpers/run';

const directory = mkdtempSync(join(tmpdir(), 'prefork-test-'));
afterAll(() => rmSync(directory, { recursive: true }));

const test = anyTest.skipIf(!('getCACertificates' in tls));

test('Certificates that Node reads in a thread of its own arrive in both processes, whole.', async () => {
  const file = join(directory, 'extra.pem');
  writeFileSync(file, `${tls.rootCertificates.slice(0, 100).join('\n')}\n`);
  const results = [];
  for (let i = 0; i < 10; i++) {
    results.push(await run('fork/certificates.js', { env: { NODE_EXTRA_CA_CERTS: file } }));
  }
  const whole = { status: 0, signal: null, stdout: 'parent: 100, child: 100\n', stderr: '' };
  expect(results).toEqual(Array(10).fill(whole));
});
