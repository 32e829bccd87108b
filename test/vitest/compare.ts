/** Runs a suite of test/fixtures/vitest in vitest's own pool and in that of prefork/vitest. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { onTestFinished } from 'vitest';
import { program } from '../helpers/command';
import { ROOT } from '../helpers/stdin';
import { clean } from '../testing/runners';

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
): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const report = join(folder, 'report.json');
  const vitest = [
    join(ROOT, 'node_modules', 'vitest', 'vitest.mjs'),
    'run',
    '--reporter=json',
    '--reporter=default',
  ];
  const options = [`--outputFile.json=${report}`, '--root', join(SUITES, suite), ...args];
  const env = { ...clean(), POOL: pool, CI: '1', NO_COLOR: '1', FORCE_COLOR: '', ...settings };
  const { status, stdout, stderr } = await program(process.execPath, [...vitest, ...options], {
    env,
    cwd: join(SUITES, suite),
    deadman: 100_000,
  }).result;
  return { status, files: filesIn(report, suite), stdout, stderr };
}
