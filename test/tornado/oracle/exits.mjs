// Every child ends in the same way. argv: processes, max_restarts, how, logging.
import { forkProcesses } from 'prefork/process';
import { configureLogging, end, numberOrNone } from './configure.mjs';

const [processes, maxRestarts, how, logging] = process.argv.slice(2);
configureLogging(logging);
forkProcesses(numberOrNone(processes), numberOrNone(maxRestarts));
end(how);
