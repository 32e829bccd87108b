// Children that live until they are killed. argv: processes, max_restarts, logging, then what the parent does on which signal.
import { constants } from 'node:os';
import { forkProcesses } from 'prefork/process';
import { block, configureLogging, say } from './configure.mjs';

const [processes, maxRestarts, logging, ...reactions] = process.argv.slice(2);
configureLogging(logging);
const parent = process.pid;

function react(reaction, number) {
  if (process.pid !== parent) return;
  say(`got ${number}`);
  if (reaction === 'exit') process.exit(5);
  else if (reaction === 'throw') throw new Error('oops');
}

for (const entry of reactions) {
  const [reaction, number] = entry.split(':');
  const [name] = Object.entries(constants.signals).find(([, value]) => value === Number(number));
  process.on(name, () => react(reaction, number));
}
const task = forkProcesses(Number(processes), Number(maxRestarts));
say(`ready ${task} pid=${process.pid}`);
block();
