/** Runs a suite of test/fixtures/vitest in vitest's own pool and in that of prefork/vitest. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { program } from '../helpers/command';
import { ROOT } from '../helpers/stdin';
import { clean } from '../testing/runners';
import { OWN, type Vitest } from './installed';

interface JsonReport {
  testResults: {
    name: string;
    status: string;
    message: string;
    assertionResults: { fullName: string; status: string; failureMessages: string[] }[];
  }[];
}

/** What became of a suite. */
export interface Outcome {
  status: number | null;
  /** By file: how it ended, and each of its tests. */
  files: Record<string, unknown>;
  stdout: string;
  stderr: string;
}

const SUITES = join(ROOT, 'test', 'fixtures', 'vitest');

const withoutStack = (message: string): string => message.replace(/\n\s+at .*/g, '');

function filesIn(path: string, suite: string): Record<string, unknown> {
  const { testResults } = JSON.parse(readFileSync(path, 'utf8')) as JsonReport;
  return Object.fromEntries(
    testResults
      .map(({ name, status, message, assertionResults }): [string, unknown] => [
        relative(join(SUITES, suite), name),
        {
          status,
          message: withoutStack(message),
          tests: assertionResults.map(({ fullName, status, failureMessages }) => ({
            fullName,
            status,
            failureMessages: failureMessages.map(withoutStack),
          })),
        },
      ])
      .sort(([one], [other]) => (one < other ? -1 : 1)),
  );
}

export async function outcome(
  suite: string,
  pool: 'forks' | 'prefork',
  args: string[] = [],
  settings: Record<string, string> = {},
  { packages }: Vitest = OWN,
): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const report = join(folder, 'report.json');
  const vitest = [join(packages, 'vitest', 'vitest.mjs'), 'run', '--reporter=json', '--reporter=default'];
  const options = [`--outputFile.json=${report}`, '--root', join(SUITES, suite), ...args];
  const env = { ...clean(), POOL: pool, CI: '1', NO_COLOR: '1', FORCE_COLOR: '', ...settings };
  const { status, stdout, stderr } = await program(process.execPath, [...vitest, ...options], {
    env,
    cwd: join(SUITES, suite),
    deadman: 100_000,
  }).result;
  return { status, files: filesIn(report, suite), stdout, stderr };
}

/** For each vitest. */
export function testSuite(vitest: Vitest): void {
  test('Every file has the result that it has in forks: mocks, snapshots, setup files, failures, crashes.', async () => {
    const run = (pool: 'forks' | 'prefork') => outcome('suite', pool, [], {}, vitest);
    const [forks, prefork] = [await run('forks'), await run('prefork')];
    expect(prefork.files, prefork.stderr).toEqual(forks.files);
    expect(prefork.status).toBe(forks.status);
    expect(Object.keys(forks.files).length).toBeGreaterThan(12);
    // Of a file that has crashed vitest says what it notices first: the end of the process, or that nobody reads any more.
    const errors = ({ stderr }: { stderr: string }) =>
      (stderr.match(/^(Error: .*|Caused by: .*|.*Unhandled Rejection.*)$/gm) ?? [])
        .map((line) => line.replace('Worker prefork', 'Worker forks'))
        .map((line) => line.replace('write EPIPE', 'Worker exited unexpectedly'))
        .sort();
    expect(errors(prefork)).toEqual(errors(forks));
    expect(errors(prefork).join('\n')).toContain('Worker exited unexpectedly');
    for (const written of ['by console', 'by process.stdout', 'by the descriptor'])
      expect(prefork.stdout).toContain(written);
    expect(prefork.stderr).toContain('by the other descriptor');
  }, 240_000); // twice the deadman of one run, which starts fifteen processes
}
