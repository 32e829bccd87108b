import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { ROOT } from './stdin';

/** A project with everything that an installed package would have, gone when the test is over. */
export function installedCopy({ withAddon }: { withAddon: boolean }): string {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const copy = join(folder, 'node_modules', 'prefork');
  mkdirSync(copy, { recursive: true });
  for (const name of ['package.json', 'dist'])
    cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  if (withAddon) {
    mkdirSync(join(copy, 'build', 'Release'), { recursive: true });
    cpSync(join(ROOT, 'build', 'Release', 'prefork.node'), join(copy, 'build', 'Release', 'prefork.node'));
  }
  for (const name of ['commander', 'node-gyp-build'])
    symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
  return folder;
}
