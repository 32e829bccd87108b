/** Installs projects: each is copied to .applications/, where npm installs what its lock says, and what has to be built is
 * built, all outside of what is measured. What an earlier run has made of the same files stays. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
const INSTALLED = join(HERE, '..', '..', '.applications');
const QUIET = { NEXT_TELEMETRY_DISABLED: '1', ASTRO_TELEMETRY_DISABLED: '1', NUXT_TELEMETRY_DISABLED: '1' };

function run([command, ...args], folder, node) {
  const prefix = dirname(dirname(node));
  const tied = ['--pdeathsig=KILL', 'nice', command, ...args];
  const { status, error, stdout, stderr } = spawnSync('setpriv', tied, {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 1e8,
    env: {
      ...process.env,
      ...QUIET,
      PATH: `${join(folder, 'node_modules', '.bin')}:${dirname(node)}:${process.env.PATH}`,
      // Add-ons are compiled against the headers that came with this Node, if they did.
      ...(existsSync(join(prefix, 'include', 'node', 'node_api.h')) && { npm_config_nodedir: prefix }),
    },
  });
  if (status === 0) return;
  throw new Error(`${command} ${args.join(' ')}: ${error ?? status}\n${`${stdout}\n${stderr}`.slice(-3000)}`);
}

function contents(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return files.sort().map((path) => readFileSync(path, 'utf8'));
}

/** Does it unless it was done with this before. */
function once(stamp, made, work) {
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === made) return;
  rmSync(stamp, { force: true });
  work();
  writeFileSync(stamp, made);
}

/** The folder of that project, and a `require` that finds what is installed there. Scripts of packages are not run. */
export function install(name, { build = [] } = {}, node) {
  const source = join(HERE, 'projects', name);
  const folder = join(INSTALLED, name);
  mkdirSync(folder, { recursive: true });
  cpSync(source, folder, { recursive: true });
  cpSync(join(HERE, '..', '..', 'examples', 'socket.io'), join(folder, 'socket.io'), { recursive: true });
  once(join(folder, '.installed'), readFileSync(join(source, 'package-lock.json'), 'utf8'), () => {
    run(['npm', 'ci', '--no-audit', '--no-fund', '--ignore-scripts'], folder, node.path);
    rmSync(join(folder, '.built'), { force: true });
  });
  once(join(folder, '.built'), contents(source).join(''), () => {
    for (const step of build) run(step, folder, node.path);
  });
  // For those who import it: in other projects there are servers of files that would go through all of this package.
  if (['light', 'telemetry'].includes(name) && !existsSync(join(folder, 'node_modules', 'prefork'))) {
    symlinkSync(join(HERE, '..', '..'), join(folder, 'node_modules', 'prefork'));
  }
  return { folder, require: createRequire(join(folder, 'package.json')) };
}
