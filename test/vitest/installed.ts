/** The vitests that prefork/vitest is tested with: this package's own, and those that `npm run test:runners` fetches. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../helpers/stdin';

export interface Vitest {
  major: number;
  /** The folder node_modules that it is in. */
  packages: string;
}

const NODES = join(ROOT, '.node-versions');
const [node = 0] = process.versions.node.split('.').map(Number);
/** vitest 5 wants Node 22.12. */
const MAJOR = node < 22 ? 4 : 5;

export const OWN: Vitest = { major: 4, packages: join(ROOT, 'node_modules') };

/** With environments, and coverage: the one that this Node is to test, if it is there. */
const packages = join(NODES, `vitest-${MAJOR}`, 'node_modules');
export const FETCHED: Vitest & { isHere: boolean } = { major: MAJOR, packages, isHere: existsSync(packages) };
