/** Puts tables between the markers of docs/benchmarks.md, and plots beside it. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { benchmarks as all } from '../benchmarks/index.mjs';
import { ROOT } from './places.mjs';
import { barsToSvg } from './plots.mjs';
import { benchmarkTable, goalTable, machineTable, missedGoals } from './report.mjs';

/** Those that are not told of there are for whoever changes what they measure. */
const benchmarks = all.filter(({ isInDocs = true }) => isInDocs);
const DOCUMENT = join(ROOT, 'docs', 'benchmarks.md');
const PLOTS = join(ROOT, 'docs', 'plots');

function replaceBetweenMarkers(text, name, content) {
  const begin = `<!-- begin ${name} -->`;
  const end = `<!-- end ${name} -->`;
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/benchmarks.md lacks the markers of ${name}`);
  return `${text.slice(0, from + begin.length)}\n\n${content}\n\n${text.slice(to)}`;
}

export async function writeDocs({ machine }, samples) {
  const contents = {
    machine: machineTable(machine),
    goals: goalTable(samples),
    missed: missedGoals(samples),
    ...Object.fromEntries(benchmarks.map((each) => [each.name, benchmarkTable(each, samples)])),
  };
  let text = readFileSync(DOCUMENT, 'utf8');
  for (const [name, content] of Object.entries(contents)) text = replaceBetweenMarkers(text, name, content);
  writeFileSync(DOCUMENT, text);
  mkdirSync(PLOTS, { recursive: true });
  for (const { name, title, plotTitle = title, plot, logarithmic } of benchmarks) {
    const data = plot?.(samples).filter(({ value }) => value !== undefined) ?? [];
    if (data.length > 0)
      writeFileSync(join(PLOTS, `${name}.svg`), await barsToSvg({ title: plotTitle, data, logarithmic }));
  }
}
