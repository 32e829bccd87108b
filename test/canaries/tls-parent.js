// A TLSSocket of a server has the connection beneath it in `_parent`: when the handshake is over, that is no longer noted.
const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { once } = require('node:events');
const { readFileSync } = require('node:fs');
const { dirname, join } = require('node:path');
const { connect } = require('node:tls');
const { canary, file } = require('./helpers/canary');

canary(async () => {
  const { createServer } = require('node:tls');
  const folder = dirname(file(''));
  const [keyout, out] = ['key.pem', 'cert.pem'].map((name) => join(folder, name));
  const options = 'req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost'.split(' ');
  execFileSync('openssl', [...options, '-keyout', keyout, '-out', out], { stdio: 'pipe' });
  const server = createServer({ key: readFileSync(keyout), cert: readFileSync(out) }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connection = once(server, 'connection');
  const secured = once(server, 'secureConnection');
  connect({ port: server.address().port, host: '127.0.0.1', rejectUnauthorized: false });
  assert.equal((await secured)[0]._parent, (await connection)[0]);
});
