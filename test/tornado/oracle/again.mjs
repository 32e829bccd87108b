// forkProcesses in a child of forkProcesses is a mistake of the program.
import { forkProcesses } from 'prefork/process';
import { say } from './configure.mjs';

forkProcesses(1);
try {
  forkProcesses(1);
} catch (error) {
  say(error.name);
}
