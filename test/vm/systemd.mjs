/**
 * `npm run test:systemd`; or `node test/vm/systemd.mjs [--node=<version>] [--only=<pattern>] [--minutes=30]`
 *
 * Boots a virtual machine with a real systemd, x64, and in it the service of docs/deployment.md: start, reload, watchdog,
 * socket activation, memory that runs out. Everything is
 * emulated: no hardware is needed, and no rights. Prints what failed and
 * how many passed; exits with 1 if any failed, or if the machine did not come to its end in time.
 */
import { parseArgs } from 'node:util';
import { boot } from './machine.mjs';
import { makeSystemdImage } from './systemd-image.mjs';

const { values } = parseArgs({
  options: {
    node: { type: 'string', default: '24.21.0' },
    only: { type: 'string', default: '.' },
    minutes: { type: 'string', default: '30' },
  },
});
const counts = { passed: 0, failed: 0 };
let complete = false;

function onLine(line) {
  console.log(line);
  if (line.startsWith('@ok ')) counts.passed += 1;
  if (line.startsWith('@FAILED ')) counts.failed += 1;
  if (line === '@end') complete = true;
}

const started = Date.now();
const inTime = await boot('x64', makeSystemdImage(values), Number(values.minutes), onLine);
if (!inTime) console.log(`The machine was switched off after ${values.minutes} minutes.`);
if (!complete) counts.failed += 1;
const seconds = Math.round((Date.now() - started) / 1000);
console.log(`systemd: ${counts.passed} passed, ${counts.failed} failed in ${seconds} s`);
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
