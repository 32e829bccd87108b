// /proc gives the handle of each file that is watched, and a new inotify instance counts its watches from 1: root's child
// watches the same files under the same numbers.
const { mkdtempSync, rmSync, watch, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { canary, inChild, load, skip } = require('./helpers/canary');

canary(async () => {
  if (process.getuid() !== 0) skip('only root may open files by their handles');
  const { binding } = load('base/binding');
  const folders = Array.from({ length: 5 }, () => mkdtempSync(join(tmpdir(), 'prefork-canary-')));
  const seen = new Map();
  let look = () => {};
  const watchers = folders.map((folder, i) =>
    watch(folder, (_event, name) => {
      seen.set(i, name);
      look();
    }),
  );
  watchers[1].close(); // a number that is not in use any more
  const touch = (name) =>
    new Promise((resolve) => {
      look = () => [0, 2, 3, 4].every((i) => seen.get(i) === name) && resolve();
      for (const folder of folders) writeFileSync(join(folder, name), '');
    });
  binding.restart_lost_watchers = () => 0; // the loop's own way, by paths, is another matter
  await inChild(() => touch('child'));
  await touch('parent');
  for (const folder of folders) rmSync(folder, { recursive: true });
});
