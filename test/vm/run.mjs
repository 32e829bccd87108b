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
import { bootAndCount } from './count.mjs';
import { makeImage } from './image.mjs';

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
const { arch, kernel, node: nodes, forks, only, minutes } = values;
const image = makeImage({ architecture: arch, release: kernel, nodes, forks: Number(forks), only });
await bootAndCount(`${arch}, kernel of ${kernel}`, arch, image, minutes);
