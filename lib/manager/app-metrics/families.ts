/**
 * Metrics as registries of prom-client give them away (`getMetricsAsJSON()`). What another process has written is believed only as far
 * as it is well formed: it becomes text for Prometheus, and is added to what others have counted.
 */

const TYPES = ['counter', 'gauge', 'histogram', 'summary'] as const;
/** As prom-client has them; metrics with `omit` are of one process, and nobody else sees them. */
const AGGREGATORS = ['sum', 'first', 'min', 'max', 'average'] as const;

export type Labels = Record<string, string | number>;

export interface Value {
  value: number;
  labels: Labels;
  /** Of a histogram or summary: which of its series. */
  metricName?: string;
}

export interface Family {
  name: string;
  help: string;
  type: (typeof TYPES)[number];
  /** How those of several processes become one. */
  aggregator: (typeof AGGREGATORS)[number];
  values: Value[];
}

/** Of one process, or of several that have ended. */
export type Families = readonly Family[];

// --- What is well formed ---

/** https://prometheus.io/docs/concepts/data_model/ */
const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]{0,199}$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]{0,199}$/;
const SERIES = ['_bucket', '_sum', '_count'];
const LONGEST_HELP = 2000;

/** Those that are well formed, with no more than belongs to them. */
export function checkedFamilies(value: unknown): Family[] {
  return Array.isArray(value) ? value.flatMap((each) => checkedFamily(each) ?? []) : [];
}

function checkedFamily(family: unknown): Family | undefined {
  const { name, help, values, ...rest } = fieldsOf(family);
  const type = TYPES.find((each) => each === rest['type']);
  const aggregator = AGGREGATORS.find((each) => each === rest['aggregator']);
  if (typeof name !== 'string' || !METRIC_NAME.test(name)) return undefined;
  if (typeof help !== 'string' || !Array.isArray(values)) return undefined;
  if (type === undefined || aggregator === undefined) return undefined;
  const checked = values.flatMap((each) => checkedValue(name, type, each) ?? []);
  return { name, help: help.slice(0, LONGEST_HELP), type, aggregator, values: checked };
}

/** A gauge that was never set is no number, and JSON has only numbers. */
function checkedValue(family: string, type: Family['type'], each: unknown): Value | undefined {
  const { value, labels, metricName } = fieldsOf(each);
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined;
  const own = checkedLabels(labels);
  if (own === undefined) return undefined;
  const isOwn = typeof metricName === 'string' && SERIES.some((series) => metricName === family + series);
  const checked: Value = isOwn ? { value, labels: own, metricName } : { value, labels: own };
  return value < 0 && grows(type, checked) ? undefined : checked;
}

function checkedLabels(labels: unknown): Labels | undefined {
  const entries = Object.entries(fieldsOf(labels));
  return entries.every(([name, value]) => LABEL_NAME.test(name) && isLabel(value))
    ? (Object.fromEntries(entries) as Labels)
    : undefined;
}

function isLabel(value: unknown): boolean {
  return typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value));
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

// --- What is left of a process that has ended ---

/** Whether it only grows, and so must be kept. The sum of a histogram may shrink where negative values are observed. */
function grows(type: Family['type'], { metricName = '' }: Value): boolean {
  return type === 'counter' || /_(bucket|count)$/.test(metricName);
}

/** Counts, of which the sum counts: gauges are of processes that are there, and so are the quantiles of summaries. */
export function lasting(families: Families): Family[] {
  return families.flatMap((family) => {
    if (family.type === 'gauge' || family.aggregator !== 'sum') return [];
    if (family.type !== 'summary') return [family];
    return [{ ...family, values: family.values.filter(({ metricName }) => metricName !== undefined) }];
  });
}

/** What was counted since then. Labels that are added to all of a registry may be missing in `before`. */
export function since(families: Families, before: Families): Family[] {
  const counted = new Map(lasting(before).map((family) => [family.name, family.values]));
  return families.map((family) => {
    const values = counted.get(family.name);
    return values === undefined || values.length === 0 ? family : subtracted(family, values);
  });
}

function subtracted(family: Family, before: readonly Value[]): Family {
  const names = [...new Set(before.flatMap(({ labels }) => Object.keys(labels)))].sort();
  const keyOf = ({ labels, metricName }: Value) =>
    JSON.stringify([metricName, ...names.map((name) => labels[name])]);
  const then = new Map(before.map((each) => [keyOf(each), each.value]));
  const values = family.values.map((each) => {
    const value = each.value - (then.get(keyOf(each)) ?? 0);
    // It may have been reset.
    return { ...each, value: grows(family.type, each) ? Math.max(0, value) : value };
  });
  return { ...family, values };
}

// --- Several processes ---

/** Processes may disagree on what a name is, as versions do, or one that lies: what most of them say counts. */
export function agreed(all: readonly Families[]): Families[] {
  const votes = new Map<string, Map<string, number>>();
  for (const family of all.flat()) {
    const forName = votes.get(family.name) ?? new Map<string, number>();
    votes.set(family.name, forName.set(kindOf(family), (forName.get(kindOf(family)) ?? 0) + 1));
  }
  const winners = new Map([...votes].map(([name, forName]) => [name, mostOf(forName)]));
  return all.map((families) => families.filter((family) => winners.get(family.name) === kindOf(family)));
}

function kindOf({ type, aggregator }: Family): string {
  return `${type} ${aggregator}`;
}

function mostOf(votes: ReadonlyMap<string, number>): string | undefined {
  return [...votes].sort(([, one], [, other]) => other - one)[0]?.[0];
}
