// All processors, not those this process may use.
import { cpuCount } from 'prefork/process';
import { say } from './configure.mjs';

say(String(cpuCount()));
