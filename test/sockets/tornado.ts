import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { PYTHON } from '../helpers/oracle';

const ORACLE = join(__dirname, '..', 'tornado', 'oracle', 'netutil.py');

export const hasTornado = spawnSync(PYTHON, ['-c', 'import tornado']).status === 0;
if (!hasTornado) console.warn(`SKIPPED: ${PYTHON} has no tornado, nothing is compared with it`);

/** What test/tornado/oracle/netutil.py answers; it inherits these descriptors as 3, 4 and so on. */
export function tornado(args: string[], inherited: number[] = []): unknown {
  const result = spawnSync(PYTHON, [ORACLE, ...args], { stdio: ['ignore', 'pipe', 'pipe', ...inherited] });
  if (result.status !== 0) throw new Error(result.stderr.toString());
  return JSON.parse(result.stdout.toString());
}
