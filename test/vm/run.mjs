/**
 * `npm run test:arm64`, `npm run test:old-kernel`; or
 * `node test/vm/run.mjs --arch=arm64|x64 --kernel=<Debian release> [--node=<version>]… [--forks=200] [--only=<pattern>] [--minutes=20]`
 *
 * Boots a virtual machine of that architecture with that release's kernel, and in it, on each Node, runs what a forked
 * child must be able to do (test/fixtures/fork), the native core without Node, and a stress of many forks. Everything is
 * emulated: no hardware is needed, and no rights. Prints what failed and how many passed; exits with 1 if any failed, if
 * the machine did not come to its end in time, or if nothing ran.
 */
import { parseArgs } from 'node:util';
import { makeImage } from './image.mjs';
import { boot } from './machine.mjs';

const { values } = parseArgs({
  options: {
    arch: { type: 'string', default: 'arm64' },
    kernel: { type: 'string', default: 'bookworm' },
    node: { type: 'string', multiple: true, default: ['22.23.3', '24.21.0'] },
    forks: { type: 'string', default: '200' },
    only: { type: 'string', default: '.' },
    minutes: { type: 'string', default: '20' },
  },
});
const counts = { passed: 0, failed: 0 };
let complete = false;

/** What inside/init and inside/suite.js print begins so; anything else belongs to what is being run. */
function onLine(line) {
  console.log(line);
  if (line.startsWith('@ok ')) counts.passed += 1;
  if (line.startsWith('@FAILED ')) counts.failed += 1;
  if (line === '@end') complete = true;
}

const { arch, kernel, node: nodes, forks, only, minutes } = values;
const image = makeImage({ architecture: arch, release: kernel, nodes, forks: Number(forks), only });
const started = Date.now();
const inTime = await boot(arch, image, Number(minutes), onLine);
if (!inTime) console.log(`The machine was switched off after ${minutes} minutes.`);
else if (!complete) console.log('The machine stopped before its end.');
if (!complete) counts.failed += 1;
const seconds = Math.round((Date.now() - started) / 1000);
console.log(`${arch}, kernel of ${kernel}: ${counts.passed} passed, ${counts.failed} failed in ${seconds} s`);
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
