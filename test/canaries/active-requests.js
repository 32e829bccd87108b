// What is in flight has a name, and the newest is the last of Node's list.
const assert = require('node:assert/strict');
const { lookup } = require('node:dns');
const { connect } = require('node:net');
const { canary, load } = require('./helpers/canary');

canary(async () => {
  const { activeRequests } = load('fork/active');
  const done = () => {};
  lookup('127.0.0.1.invalid', done);
  connect(9, '127.0.0.1').on('error', done);
  await new Promise(process.nextTick); // that is when connect() begins
  const names = activeRequests().map(({ detail }) => detail);
  assert.deepEqual(names, [
    'dns.lookup() (GetAddrInfoReqWrap) 127.0.0.1.invalid',
    'a connection being made (TCPConnectWrap) 127.0.0.1:9',
  ]);
});
