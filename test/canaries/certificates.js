// A call that asks node:tls for the extra certificates waits for the thread that reads them.
const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { open } = require('node:fs/promises');
const { join } = require('node:path');
const tls = require('node:tls');
const { canary, file, ROOT, Running, skip } = require('./helpers/canary');

canary(async () => {
  if (tls.getCACertificates === undefined) skip('this Node reads certificates when they are wanted');
  const fifo = `${file('')}.fifo`;
  execFileSync('mkfifo', [fifo]);
  const program = join(ROOT, 'test/fixtures/fork/certificates.js');
  const running = new Running([program], { env: { ...process.env, NODE_EXTRA_CA_CERTS: fifo } });
  const writer = await open(fifo, 'w'); // once that thread has opened it
  await running.until(/forks/);
  await writer.write(`${tls.rootCertificates.slice(0, 20).join('\n')}\n`);
  await writer.close();
  const { text } = await running.ended;
  assert.equal(text, 'forks\nparent: 20, child: 20\n');
});
