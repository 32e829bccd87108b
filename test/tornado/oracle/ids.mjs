// taskId() before, in each child, and at the end of the parent. argv: processes, logging.
import { forkProcesses, taskId } from 'prefork/process';
import { configureLogging, numberOrNone, say } from './configure.mjs';

const [processes, logging] = process.argv.slice(2);
configureLogging(logging);
say(`before ${taskId() ?? 'None'}`);
process.on('exit', () => taskId() === null && say(`after ${taskId() ?? 'None'}`));
const task = forkProcesses(numberOrNone(processes));
say(`child ${task} ${taskId()}`);
