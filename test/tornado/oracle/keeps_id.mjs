// A restarted child keeps its id: at its first start 1 exits with 3 and 2 is killed; at its second each ends well.
import { mkdirSync } from 'node:fs';
import { forkProcesses } from 'prefork/process';
import { configureLogging, end, say } from './configure.mjs';

configureLogging('basic-info');
const task = forkProcesses(3);
let first = true;
try {
  mkdirSync(`started-${task}`);
} catch (error) {
  if (error.code !== 'EEXIST') throw error;
  first = false;
}
if (first && task === 1) end('_exit:3');
if (first && task === 2) end('signal:9');
else say(`${task} ${first ? 'first' : 'second'}`);
