// The ids in the order of their pids, told by the parent's exit listener; each child's parent is the parent.
import assert from 'node:assert';
import { readFileSync, writeFileSync } from 'node:fs';
import { forkProcesses, taskId } from 'prefork/process';
import { say } from './configure.mjs';

const parent = process.pid;

process.on('exit', () => {
  if (taskId() !== null) return;
  const pids = [0, 1, 2, 3, 4].map((i) => [Number(readFileSync(`pid-${i}`, 'utf8')), i]);
  const byPid = pids.sort(([a], [b]) => a - b);
  say(`order ${byPid.map(([, i]) => i).join(' ')}`);
});
const task = forkProcesses(5);
writeFileSync(`pid-${task}`, String(process.pid));
assert.equal(process.ppid, parent);
