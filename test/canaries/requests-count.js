// A loop of libuv's counts its requests where they are read: none at rest, and each kind that is under way.
const assert = require('node:assert/strict');
const { randomBytes } = require('node:crypto');
const { lookup } = require('node:dns');
const { stat } = require('node:fs');
const { deflate } = require('node:zlib');
const { canary, load } = require('./helpers/canary');

canary(async () => {
  const { binding } = load('base/binding');
  assert.equal(binding.requests_in_flight(), 0);
  const begin = [
    (done) => stat('/', done),
    (done) => lookup('127.0.0.1.invalid', done),
    (done) => randomBytes(16, done),
    (done) => deflate('text', done),
  ];
  const ends = begin.map((each, i) => {
    const end = new Promise((resolve) => each(resolve));
    assert.equal(binding.requests_in_flight(), i + 1);
    return end;
  });
  await Promise.all(ends);
  await new Promise(setImmediate);
  assert.equal(binding.requests_in_flight(), 0);
});
