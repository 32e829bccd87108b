// The `socket` of an HTTP/2 session shows what stands on the real one: under a symbol, and with TLS its `_parent`.
const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { once } = require('node:events');
const { readFileSync } = require('node:fs');
const { connect, createSecureServer, createServer } = require('node:http2');
const { dirname, join } = require('node:path');
const { canary, file } = require('./helpers/canary');

const MARK = Symbol('mark');

function certificate() {
  const folder = dirname(file(''));
  const [keyout, out] = ['key.pem', 'cert.pem'].map((name) => join(folder, name));
  const options = 'req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost'.split(' ');
  execFileSync('openssl', [...options, '-keyout', keyout, '-out', out], { stdio: 'pipe' });
  return { key: readFileSync(keyout), cert: readFileSync(out) };
}

async function sessionOf(server, scheme) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  server.on('connection', (socket) => Reflect.set(socket, MARK, 'here'));
  const began = once(server, 'session');
  connect(`${scheme}://127.0.0.1:${server.address().port}`, { rejectUnauthorized: false });
  const [[socket], [{ socket: shown }]] = await Promise.all([accepted, began]);
  return { socket, shown };
}

canary(async () => {
  const plain = await sessionOf(createServer(), 'http');
  assert.equal(Reflect.get(plain.shown, MARK), 'here');
  assert(!plain.shown._parent);
  const secured = await sessionOf(createSecureServer(certificate()), 'https');
  assert.equal(secured.shown._parent, secured.socket);
});
