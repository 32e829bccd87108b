// server.listen() of every kind of server is that of net.Server.prototype, in the forms that Node's documentation lists.
const assert = require('node:assert/strict');
const { mkdtempSync, rmSync } = require('node:fs');
const { get } = require('node:http');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { text } = require('node:stream/consumers');
const { canary, manage } = require('./helpers/canary');

const ask = (where) =>
  new Promise((resolve, reject) => {
    get({ agent: false, ...where }, (response) => resolve(text(response))).on('error', reject);
  });

canary(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-canary-'));
  const path = join(folder, 'socket');
  try {
    const managed = await manage(`
      const { createServer } = require('node:http');
      const answer = (request, response) => response.end(String(PREFORK.worker()?.id));
      const ports = [];
      const note = function () {
        ports.push(this.address().port ?? this.address());
        if (ports.length === 5) writeSync(1, \`all=\${JSON.stringify(ports)}\\n\`);
      };
      served(createServer(answer).on('listening', note));
      createServer(answer).listen({ port: 0, host: '127.0.0.1' }, note);
      createServer(answer).listen(${JSON.stringify(path)}, note);
      createServer(answer).listen('0', '127.0.0.1', 5, note);
      createServer(answer).listen(note);`);
    const [, text] = await managed.until(/all=(.*)/);
    for (const place of JSON.parse(text)) {
      const where = typeof place === 'string' ? { socketPath: place } : { port: place, host: '127.0.0.1' };
      assert.equal(await ask(where), '0', `listening on ${place}`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
