// A socket of dgram has its handle under a symbol; it calls its bind(), which may open a descriptor instead.
const assert = require('node:assert/strict');
const { createSocket } = require('node:dgram');
const { once } = require('node:events');
const { canary, load } = require('./helpers/canary');

canary(async () => {
  const { bindDatagrams, interceptBind } = load('manager/listening/datagrams');
  const asked = [];
  interceptBind((bind, index) => {
    asked.push([bind.host, bind.ipv6Only, bind.reuseAddr, index]);
    return bindDatagrams(bind);
  });
  const finder = createSocket('udp4').bind(0);
  await once(finder, 'listening');
  const { port } = finder.address();
  finder.close();
  assert.deepEqual(asked, []);
  const echo = createSocket({ type: 'udp4', reuseAddr: true }).bind(port);
  echo.on('message', (text, client) => echo.send(text, client.port, client.address));
  await once(echo, 'listening');
  assert.deepEqual(asked, [['0.0.0.0', false, true, 0]]);
  assert.equal(echo.address().port, port);
  const client = createSocket('udp4');
  client.send('echo', port, '127.0.0.1');
  assert.equal(String((await once(client, 'message'))[0]), 'echo');
  echo.close();
  const again = createSocket('udp4').bind({ port, address: '127.0.0.1' });
  await once(again, 'listening');
  assert.deepEqual(asked[1], ['127.0.0.1', false, false, 0]);
});
