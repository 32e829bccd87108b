// No two processes draw the same number.
import { readFileSync, writeFileSync } from 'node:fs';
import { forkProcesses, taskId } from 'prefork/process';
import { say } from './configure.mjs';

process.on('exit', () => {
  if (taskId() !== null) return;
  const drawn = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => readFileSync(`drawn-${i}`, 'utf8'));
  say(`${new Set([...drawn, String(Math.random())]).size} different`);
});
Math.random();
const task = forkProcesses(8);
writeFileSync(`drawn-${task}`, String(Math.random()));
