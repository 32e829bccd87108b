/** Vitest's global setup: the temporary folders of all tests are in one, which goes when they have ended. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const EVERYBODY_MAY_ENTER = 0o755; // workers that give up root's rights, too

export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-tests-'));
  chmodSync(folder, EVERYBODY_MAY_ENTER);
  process.env['TMPDIR'] = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
