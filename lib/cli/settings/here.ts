/** What there is to run in a folder, as its package.json says: `prefork` alone tells of it, and runs nothing. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { printable } from '../../base/printable';

/** What it found, and the command line that it would take. */
export interface Found {
  what: string;
  /** null: it cannot tell. */
  run: Run | null;
}

interface Run {
  /** Variables to set, with a space behind; may be empty. */
  environment: string;
  /** What follows `prefork`. */
  line: string;
}

/** Looked for where package.json names none. */
const USUAL = ['server', 'app', 'index', 'main'].flatMap((name) =>
  ['', 'src/', 'dist/'].flatMap((folder) =>
    ['js', 'mjs', 'cjs', 'ts'].map((ending) => `${folder}${name}.${ending}`),
  ),
);
/** Options of node's that have the next word, too. */
const WITH_VALUE = new Set(['--import', '-r', '--require', '--loader', '--env-file', '-C', '--conditions']);
const LOADS = new Set(['--import', '-r', '--require']);
/** A shell would make more of it than words. */
const SHELL = /[;&|<>()$`"'\\*?]/;

interface Manifest {
  name?: unknown;
  version?: unknown;
  main?: unknown;
  scripts?: { start?: unknown };
}

/** For people: a few lines. Empty if there is nothing to say. */
export function describeFolder(folder: string): string {
  const found = lookIn(folder);
  if (found === undefined) return '';
  const { what, run } = found;
  const lines = [what];
  if (run !== null) {
    lines.push(`To serve it:    ${run.environment}npx prefork ${run.line}`);
    lines.push(`For a dry run:  ${run.environment}npx prefork check ${run.line}`);
  }
  return `${lines.map(printable).join('\n')}\n`;
}

export function lookIn(folder: string): Found | undefined {
  const manifest = manifestIn(folder);
  const who =
    manifest === undefined ? 'There is no package.json here' : `package.json is of ${identity(manifest)}`;
  const start = manifest?.scripts?.start;
  if (typeof start === 'string') return ofScript(who, start);
  const { main } = manifest ?? {};
  if (typeof main === 'string' && existsSync(join(folder, main))) {
    return { what: `${who}; its main file is ${main}`, run: plainRun(main) };
  }
  const usual = USUAL.find((path) => existsSync(join(folder, path)));
  if (usual !== undefined) return { what: `${who}, but there is ${usual}`, run: plainRun(usual) };
  if (manifest === undefined) return undefined;
  const what = `${who}, which names no start script and no main file that exists: say which file serves`;
  return { what, run: null };
}

function plainRun(line: string): Run {
  return { environment: '', line };
}

function ofScript(who: string, start: string): Found {
  const what = `${who}; its start script runs '${start}'`;
  const run = SHELL.test(start) ? null : runOf(start.trim().split(/\s+/));
  if (run !== null) return { what, run };
  return { what: `${what}, which is not node with a file: say which file serves`, run };
}

/** `NODE_ENV=production node --import tsx server.ts --port 80`: the same for prefork; null: it is something else. */
function runOf(words: string[]): Run | null {
  const environment: string[] = [];
  const options: string[] = [];
  const others: string[] = [];
  if (words[0] === 'cross-env') words.shift();
  for (; /^\w+=/.test(words[0] ?? ''); words.shift()) environment.push(words[0] ?? '');
  if (words.shift() !== 'node') return null;
  while (words[0]?.startsWith('-')) {
    const [word = ''] = words;
    const taken = words.splice(0, WITH_VALUE.has(word) ? 2 : 1);
    const [name = '', value = ''] = taken.length === 2 ? taken : word.split(/=(.*)/s);
    if (LOADS.has(name)) options.push('--import', value);
    else others.push(taken.join(' '));
  }
  const [file, ...args] = words;
  if (file === undefined) return null;
  if (others.length > 0) environment.push(`NODE_OPTIONS='${others.join(' ')}'`);
  const rest = args.some((each) => each.startsWith('-')) ? ['--', ...args] : args;
  return {
    environment: environment.map((each) => `${each} `).join(''),
    line: [...options, file, ...rest].join(' '),
  };
}

function identity({ name, version }: Manifest): string {
  return (
    [name, version].filter((each) => typeof each === 'string').join(' ') || 'an application without a name'
  );
}

function manifestIn(folder: string): Manifest | undefined {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return typeof manifest === 'object' && manifest !== null ? manifest : {};
  } catch {
    return undefined;
  }
}
