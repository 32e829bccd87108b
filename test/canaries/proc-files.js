// /proc shows what an epoll, an eventfd, a timerfd and an inotify hold, in the form that is read.
const assert = require('node:assert/strict');
const { readdirSync, readFileSync, readlinkSync, watch } = require('node:fs');
const { canary, inChild, load } = require('./helpers/canary');

/** What each descriptor of these kinds says of itself, but for numbers that may differ. */
function contents() {
  const found = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      if (!/^anon_inode:(\[eventpoll\]|\[eventfd\]|\[timerfd\]|inotify)$/.test(target)) return [];
      const info = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')
        .split('\n')
        .filter((line) => /^(tfd|inotify)/.test(line));
      return [[fd, target, info.map((line) => line.replace(/ (pos|ino|sdev):.*$/, '')).sort()]];
    } catch {
      return [];
    }
  });
  return Object.fromEntries(found.map(([fd, ...rest]) => [fd, rest]));
}

canary(async () => {
  load();
  const watcher = watch(__dirname);
  await new Promise(setImmediate);
  const before = contents();
  const members = Object.values(before).flatMap(([target, lines]) => (/eventpoll/.test(target) ? lines : []));
  assert(members.length > 3, 'no epoll says what it watches');
  assert(
    Object.values(before).some(([target, lines]) => target === 'anon_inode:inotify' && lines.length === 1),
  );
  const child = await inChild(contents);
  for (const [fd, what] of Object.entries(before)) {
    if (what[0] === 'anon_inode:inotify' && process.getuid() !== 0) continue;
    assert.deepEqual(child[fd]?.[0], what[0]);
    for (const line of what[1]) {
      const start = line.replace(/\s+data:.*/, '');
      assert(
        child[fd][1].some((each) => each.startsWith(start)),
        `${what[0]} ${fd} of the child lacks: ${line}`,
      );
    }
  }
  watcher.close();
});
