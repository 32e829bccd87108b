/**
 * `npm run test:systemd`; or `node test/vm/systemd.mjs [--node=<version>] [--only=<pattern>] [--minutes=30]`
 *
 * Boots a virtual machine with a real systemd, x64, and in it the service of docs/deployment.md: start, reload, watchdog,
 * socket activation, memory that runs out. Everything is
 * emulated: no hardware is needed, and no rights. Prints what failed and
 * how many passed; exits with 1 if any failed, or if the machine did not come to its end in time.
 */
import { parseArgs } from 'node:util';
import { bootAndCount } from './count.mjs';
import { makeSystemdImage } from './systemd-image.mjs';

const { values } = parseArgs({
  options: {
    node: { type: 'string', default: '24.21.0' },
    only: { type: 'string', default: '.' },
    minutes: { type: 'string', default: '30' },
  },
});
await bootAndCount('systemd', 'x64', makeSystemdImage(values), values.minutes);
