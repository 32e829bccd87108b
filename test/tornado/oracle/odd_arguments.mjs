// prefork/os with arguments that nobody should give it: those of odd_arguments.json.
import { openSync, readFileSync, writeSync } from 'node:fs';
import * as os from 'prefork/os';
import { say } from './configure.mjs';

function filledSocket() {
  const [ours, theirs] = os.socketpair();
  writeSync(theirs, 'x');
  return ours;
}

const STAND_INS = {
  '@self': () => process.pid,
  '@none': () => 2 ** 22 + 1,
  '@closed': () => 999,
  '@file': () => openSync('lock', 'a+', 0o600),
  '@socket': () => os.socketpair()[0],
  '@filled': filledSocket,
  '@x': () => Buffer.from('x'),
  '@nan': () => Number.NaN,
  '@inf': () => Number.POSITIVE_INFINITY,
  '@huge': () => 1e20,
  '@ignore': () => os.SIG_IGN,
  '@default': () => os.SIG_DFL,
};

function argument(value) {
  if (Array.isArray(value)) return value.map(argument);
  return Object.hasOwn(STAND_INS, value ?? '') ? STAND_INS[value]() : value;
}

const camelCase = (name) => name.replace(/(?<=[a-z])_(\w)/g, (_, letter) => letter.toUpperCase());

function outcome(call, parameters) {
  try {
    const result = call(...parameters.map(argument));
    if (typeof result === 'boolean') return result ? 'True' : 'False';
    return typeof result === 'number' ? String(result) : 'answered';
  } catch (error) {
    if (error.syscall) return error.code;
    return /^ERR_PREFORK_(INVALID|OUT)/.test(error.code) ? 'refused' : error;
  }
}

const text = readFileSync(new URL('odd_arguments.json', import.meta.url), 'utf8');
for (const [name, lists] of Object.entries(JSON.parse(text))) {
  for (const parameters of lists) {
    say(`${name} ${JSON.stringify(parameters)}: ${outcome(Reflect.get(os, camelCase(name)), parameters)}`);
  }
}
