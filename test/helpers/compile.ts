import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const FIXTURES = join(__dirname, '..', 'fixtures');

/** Compiles test/fixtures/`name` with the C compiler; answers the file made. */
export function compile(name: string, flags: string[] = []): string {
  const output = join(mkdtempSync(join(tmpdir(), 'prefork-test-')), basename(name, '.c'));
  execFileSync(
    (process.env as { CC?: string }).CC ?? 'cc',
    ['-O1', '-o', output, join(FIXTURES, name), ...flags],
    {
      stdio: 'inherit',
    },
  );
  return output;
}
