import { existsSync } from 'node:fs';

/** Whether a Debian package is there. .ci/run installs all, and sets the variable: there nothing is skipped. */
export function isInstalled(path: string): boolean {
  return existsSync(path) || process.env['TEST_ALL'] === '1';
}
