/** Runs a copy of test/fixtures/jest/suite with jest-runner, and with prefork/jest. */
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { folderWith, program } from '../helpers/command';
import { ROOT } from '../helpers/stdin';

export const JEST = join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js');
export const RUNNERS = { jest: 'jest-runner', prefork: join(ROOT, 'dist', 'jest.js') };
const SUITE = join(ROOT, 'test', 'fixtures', 'jest', 'suite');

export interface Outcome {
  status: number | null;
  /** What Jest reports, line by line. */
  report: string[];
  /** Of each file, as istanbul has it. */
  coverage: unknown;
  /** The files of snapshots, as they are afterwards. */
  snapshots: Record<string, string>;
  stdout: string;
  stderr: string;
}

/** A Jest knows no more of this one's environment than PATH, HOME and where its cache may be. */
export const alone = (env: Record<string, string> = {}) => ({
  env: { NO_COLOR: '1', TMPDIR: tmpdir(), ...env },
  clean: true,
  deadman: 110_000,
});

function readSnapshots(folder: string): Record<string, string> {
  const found = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (path) => path.endsWith('.snap') && !path.startsWith('node_modules'),
  );
  return Object.fromEntries(found.sort().map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
}

/** Istanbul's is one of the path, too. */
const withoutHash = (key: string, value: unknown) => (key === 'hash' ? undefined : value);

export async function outcome(
  runner: keyof typeof RUNNERS,
  words: string[],
  env: Record<string, string> = {},
): Promise<Outcome> {
  const folder = folderWith({});
  cpSync(SUITE, folder, { recursive: true });
  writeFileSync(join(folder, 'failing', 'syntax.test.js'), "test('is never compiled', () => {");
  const read = (name: string) => readFileSync(join(folder, name), 'utf8').replaceAll(folder, '');
  const args = ['--coverageReporters=json', '--maxWorkers=2', ...words];
  const { status, stdout, stderr } = await program(process.execPath, [JEST, ...args], {
    ...alone({ RUNNER: RUNNERS[runner], ...env }),
    cwd: folder,
  }).result;
  if (!existsSync(join(folder, 'report.txt'))) throw new Error(stdout + stderr);
  const hasCoverage = words.includes('--coverage');
  return {
    status,
    report: read('report.txt').split('\n'),
    coverage: hasCoverage ? JSON.parse(read('coverage/coverage-final.json'), withoutHash) : undefined,
    snapshots: readSnapshots(folder),
    stdout: stdout.replaceAll(folder, ''),
    stderr: stderr.replaceAll(folder, ''),
  };
}
