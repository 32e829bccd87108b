// A Resolver's `_handle` has the methods of all channels in its prototype, and functions of node:dns go through these: also those
// that were put aside before.
const assert = require('node:assert/strict');
const dns = require('node:dns');
const { canary, load } = require('./helpers/canary');

canary(() => {
  const { findChannels, leaveChannel } = load('fork/resolver');
  dns.setServers(['127.0.0.1:53001']);
  const { getServers } = dns;
  const { getServers: ofAll } = Object.getPrototypeOf(new dns.Resolver()._handle);
  assert.equal(typeof ofAll, 'function', 'a channel has other methods');
  const channels = new Set();
  Object.getPrototypeOf(new dns.Resolver()._handle).getServers = function () {
    channels.add(this);
    return ofAll.call(this);
  };
  getServers();
  assert.equal(channels.size, 1, 'its channel is asked in another way');
  findChannels();
  leaveChannel();
  channels.clear();
  assert.deepEqual(getServers(), ['127.0.0.1:53001']);
  assert.equal(channels.size, 1);
  assert.deepEqual(dns.promises.getServers(), ['127.0.0.1:53001']);
});
