// Child 0 always ends badly, child 1 lives on. argv: max_restarts, logging.
import { forkProcesses } from 'prefork/process';
import { block, configureLogging, end, numberOrNone } from './configure.mjs';

const [maxRestarts, logging] = process.argv.slice(2);
configureLogging(logging);
const task = forkProcesses(2, numberOrNone(maxRestarts));
if (task === 0) end('_exit:1');
block();
