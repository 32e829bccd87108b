// The ids in the order of their pids, told by the parent's exit listener; each child's parent is the parent.
import assert from 'node:assert';
import { readFileSync, writeFileSync } from 'node:fs';
import { forkProcesses, taskId } from 'prefork/process';
import { say } from './configure.mjs';

const parent = process.pid;
const number = (file) => Number(readFileSync(file, 'utf8'));

process.on('exit', () => {
  if (taskId() !== null) return;
  const pidMax = number('/proc/sys/kernel/pid_max');
  // Pids may have wrapped round in between.
  const after = [0, 1, 2, 3, 4].map((i) => [(number(`pid-${i}`) - parent + pidMax) % pidMax, i]);
  const byPid = after.sort(([a], [b]) => a - b);
  say(`order ${byPid.map(([, i]) => i).join(' ')}`);
});
const task = forkProcesses(5);
writeFileSync(`pid-${task}`, String(process.pid));
assert.equal(process.ppid, parent);
