/** Tables for the terminal and for docs/benchmarks.md. */
import { goals } from './goals.mjs';

export function cell(value) {
  if (value === undefined || value === null || Number.isNaN(value)) return '-';
  if (typeof value === 'string') return value;
  return value >= 1000 ? Math.round(value).toLocaleString('en-US') : value.toFixed(2);
}

export function table(header, rows) {
  const all = [header, ...rows.map((row) => row.map(cell))];
  const widths = header.map((_, column) => Math.max(...all.map((row) => row[column].length)));
  const line = (row) => `| ${row.map((text, i) => text.padEnd(widths[i])).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(all[0]), rule, ...all.slice(1).map(line)].join('\n');
}

export function benchmarkTable(benchmark, samples) {
  return table(benchmark.header, benchmark.rows(samples));
}

function verdict({ limit, value }, samples) {
  const reached = value(samples);
  if (reached === undefined) return 'not measured';
  return limit.holds(reached) ? 'reached' : 'missed';
}

export function goalTable(samples) {
  const rows = goals.map((goal) => [
    goal.figure,
    goal.limit.text,
    goal.value(samples),
    verdict(goal, samples),
  ]);
  return table(['figure', 'to reach', 'measured', ''], rows);
}

/** For each goal that was missed: why, and what would reach it. */
export function missedGoals(samples) {
  return goals
    .filter((goal) => verdict(goal, samples) === 'missed' && goal.missed !== '')
    .map(({ figure, missed }) => `- **${figure}**: ${missed}`)
    .join('\n');
}

export function machineTable(machine) {
  return table(
    ['', ''],
    Object.entries(machine).map(([name, value]) => [name, value ?? 'none']),
  );
}
