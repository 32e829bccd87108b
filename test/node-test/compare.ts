/** Runs test/fixtures/node-test/suite with `node --test`, and with `prefork test`. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { COMMAND, program } from '../helpers/command';
import { ROOT } from '../helpers/stdin';

const FIXTURES = join(ROOT, 'test', 'fixtures', 'node-test');
const WAYS = { node: ['--test'], prefork: [COMMAND, 'test'] };
const EVENTS = join(FIXTURES, 'events.mjs');
/** Node's own. */
const REPORTERS = ['spec', 'tap', 'dot', 'junit'];

export interface Outcome {
  status: number | null;
  /** What was reported, and what each file wrote. */
  events: string;
  /** By reporter. */
  reports: Record<string, string>;
  stderr: string;
}

/** Without times, which are others in each run, and without the lines of a stack that are Node's own. */
function plain(text: string): string {
  return text
    .split('\n')
    .filter((line) => !/^\s+at .*node:/.test(line))
    .join('\n')
    .replace(/duration_ms:? [\d.]+|\([\d.]+ms\)|(time|timestamp)="[^"]*"/g, '');
}

/** Reporters show output as it comes, in parts: files that write are not for them. */
export async function outcome(way: keyof typeof WAYS, words: string[]): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const reporters = [EVENTS, ...REPORTERS];
  const destination = (name: string) => join(folder, basename(name));
  const asked = reporters.flatMap((name) => [
    `--test-reporter=${name}`,
    `--test-reporter-destination=${destination(name)}`,
  ]);
  const { status, stderr } = await program(process.execPath, [...WAYS[way], ...asked, ...words], {
    env: { NO_COLOR: '1' },
    clean: true,
    cwd: join(FIXTURES, 'suite'),
    deadman: 100_000,
  }).result;
  const written = (name: string) => plain(readFileSync(destination(name), 'utf8'));
  const reports = Object.fromEntries(REPORTERS.map((name) => [name, written(name)]));
  return { status, events: written(EVENTS), reports, stderr };
}
