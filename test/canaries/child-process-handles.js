// A forked child gives up the children of its parent: their handles and streams are where they are looked for.
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { readdirSync, readlinkSync } = require('node:fs');
const { canary, inChild } = require('./helpers/canary');

/** What is open, by its target. Stream sockets of Node's pipes to children are named by their inode. */
const targets = () =>
  readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return [];
    }
  });

canary(async () => {
  const before = new Set(targets());
  const child = spawn('cat', { stdio: 'pipe' });
  await once(child, 'spawn');
  const pipes = targets().filter((target) => !before.has(target) && /^(socket|pipe):/.test(target));
  assert.equal(pipes.length, 3);
  await inChild(async () => {
    await new Promise(setImmediate); // handles are closed in the next turn
    assert.equal(child.kill(), false, "the child can kill its parent's child");
    const open = targets();
    assert.deepEqual(
      pipes.filter((pipe) => open.includes(pipe)),
      [],
    );
  });
  assert.equal(child.kill(), true);
});
