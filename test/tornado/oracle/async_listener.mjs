// An asynchronous listener of a signal in the parent, which waits: its rest comes where the loop turns next.
import { readSync, writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { _exit, getpid, getppid, kill, pipe } from 'prefork/os';
import { forkProcesses } from 'prefork/process';
import { configureLogging, say } from './configure.mjs';

configureLogging('basic-info');
const parent = getpid();
const [reading, writing] = pipe();
let seen = false;

process.on('SIGUSR2', async () => {
  seen = true;
  writeSync(writing, 'x');
  await null;
  say(`the rest, in the parent: ${getpid() === parent ? 'True' : 'False'}`);
});
forkProcesses(1, 1);
if (!seen) {
  kill(getppid(), 'SIGUSR2');
  readSync(reading, Buffer.alloc(1));
  _exit(1);
}
await setImmediate();
say('the child goes on');
process.exit(0);
