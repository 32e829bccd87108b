// What both halves of the oracle share: ways to log, ways to end, and output that no buffer holds back.
import { writeSync } from 'node:fs';
import { basicConfig, enablePrettyLogging } from 'prefork/log';
import { _exit } from 'prefork/os';

export function configureLogging(mode) {
  if (mode === 'basic') basicConfig();
  else if (mode === 'basic-info') basicConfig({ level: 'info' });
  else if (mode === 'pretty') enablePrettyLogging();
}

export function say(text) {
  writeSync(1, `${text}\n`);
}

export function block() {
  setInterval(() => {}, 1e9);
}

export function numberOrNone(text) {
  return text === 'None' ? null : Number(text);
}

/** exit:N, _exit:N, signal:N, throw, abort, end (returns), block. */
export function end(how) {
  const [verb, argument] = how.split(':');
  if (verb === 'exit') process.exit(Number(argument));
  else if (verb === '_exit') _exit(Number(argument));
  else if (verb === 'signal') {
    process.kill(process.pid, Number(argument));
    block();
  } else if (verb === 'throw') throw new Error('oops');
  else if (verb === 'abort') process.abort();
  else if (verb === 'block') block();
}
