// A child that forkProcesses does not know is reaped in silence; the known one ends only after that.
import { existsSync } from 'node:fs';
import { _exit, fork } from 'prefork/os';
import { forkProcesses } from 'prefork/process';
import { configureLogging, say } from './configure.mjs';

configureLogging('basic-info');
const stranger = fork();
if (stranger === 0) _exit(7);
forkProcesses(1);
while (existsSync(`/proc/${stranger}`));
say('the stranger was reaped');
