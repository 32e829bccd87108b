// What was written and not flushed before the fork. argv: processes.
import { forkProcesses } from 'prefork/process';

process.stdout.write('x');
forkProcesses(Number(process.argv[2]));
