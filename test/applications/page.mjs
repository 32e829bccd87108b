/** Keeps the results of all runs in results.json, and writes the table of docs/applications.md from them. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MARGIN } from './examine.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, '..', '..');
const RESULTS = join(HERE, 'results.json');
const PAGE = join(ROOT, 'docs', 'applications.md');
const FORMATTER = join(ROOT, 'node_modules', '.bin', 'biome');
const [BEGIN, END] = ['<!-- table -->', '<!-- end of table -->'];
/** The versions of Node that have a column. */
export const MAJORS = [22, 24, 26];

/** With more processes that want to run, on the two processors of CI, an end that takes long says little, and is left out. */
const BUSY = 3;
const CONNECTED = 'connected before `listen`: each worker loads it by itself';

function cell(result) {
  if (!result) return '';
  const { answered, before, after, load, fails, cannot } = result;
  if (fails) return `**fails:** ${fails}`;
  if (cannot) return `cannot run alone either: ${cannot}`;
  const longer = after - before;
  if (longer > MARGIN && !(load <= BUSY)) return `0 of ${answered}`;
  return `0 of ${answered}; ${longer < 0 ? '−' : '+'}${Math.abs(longer)} ms`;
}

function table(applications, results) {
  const rows = applications
    .filter(({ name }) => results[name])
    .map(({ name, of, connected, note = connected ? CONNECTED : '' }) => {
      const { version, nodes } = results[name];
      const cells = MAJORS.map((major) => cell(nodes[major]));
      return `| ${[name, `${of} ${version}`, ...cells, note].join(' | ')} |`;
    });
  return [
    `| application | package | ${MAJORS.map((major) => `Node ${major}`).join(' | ')} | what to know |`,
    `| --- | --- | ${MAJORS.map(() => '---').join(' | ')} | --- |`,
    ...rows,
  ].join('\n');
}

/** Adds to what was known what this run has found out; what was found out about another version is forgotten. */
export function write(applications, found) {
  const results = JSON.parse(readFileSync(RESULTS, 'utf8'));
  for (const { application, version, node, result } of found) {
    const known = results[application.name];
    const nodes = known?.version === version ? known.nodes : {};
    const major = node.version.split('.')[0];
    // Where only the ends were looked at, the rest is as it was.
    nodes[major] = result.answered === undefined && result.after ? { ...nodes[major], ...result } : result;
    results[application.name] = { version, nodes };
  }
  const ordered = applications.flatMap(({ name }) => (results[name] ? [[name, results[name]]] : []));
  writeFileSync(RESULTS, `${JSON.stringify(Object.fromEntries(ordered), null, 2)}\n`);

  const page = readFileSync(PAGE, 'utf8');
  const [head] = page.split(BEGIN);
  const [, tail] = page.split(END);
  writeFileSync(PAGE, `${head}${BEGIN}\n\n${table(applications, results)}\n\n${END}${tail}`);
  spawnSync(FORMATTER, ['format', '--write', PAGE, RESULTS], { cwd: ROOT });
}
