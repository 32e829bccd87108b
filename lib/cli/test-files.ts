/** `prefork test`: this process becomes that of `node --test`, whose files are forked. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { hasAddon } from '../base/binding';
import { writeToStderr } from '../base/blocking-write';
import { CHOICES, type Choices } from '../node-test/choices';
import { execve } from '../os';
import { Done } from './settings/command-line';
import type { Tests } from './settings/tests';

const UNDER_NODE = join(__dirname, '..', 'node-test', 'under-node.js');

export function runTestFiles({ preload, words }: Tests): never {
  const node = [process.execPath, ...process.execArgv];
  if (!hasAddon) {
    writeToStderr('prefork test: nothing can be forked here; this is node --test.\n');
    const { status } = spawnSync(process.execPath, [...process.execArgv, '--test', ...words], {
      stdio: 'inherit',
    });
    throw new Done(status ?? 1);
  }
  const choices: Choices = { preload };
  execve(process.execPath, [...node, `--require=${UNDER_NODE}`, '--test', ...words], {
    ...process.env,
    [CHOICES]: JSON.stringify(choices),
  });
}
