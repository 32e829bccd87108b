/**
 * The application's metrics over all workers, with prom-client: each worker counts for itself, and any of them answers for all.
 *
 * Import it where the application loads: a worker whose application has not is not asked.
 * @module
 */
import { dirname } from 'node:path';
import { invalidType, preforkError } from './base/errors';
import { onePerProcess } from './base/one-per-process';
import { checkedFamilies, type Families, type Family } from './manager/app-metrics/families';
import { gatherMetrics } from './manager/app-metrics/gather';
import { aggregate, findPromClient, type PromClient, type Registry } from './manager/app-metrics/prom-client';
import { publishFrom } from './manager/worker/publisher';
import { ownRow } from './manager/worker/worker';

export type { Registry };

const chosen = onePerProcess('registries', () => ({
  promClient: undefined as PromClient | undefined,
  registries: undefined as readonly Registry[] | undefined,
}));

publishFrom({ collect, counted, sum }, ownRow());

/**
 * Says which registries are gathered; by default it is prom-client's global one. Call it where the application loads, as
 * `AggregatorRegistry.setRegistries()`.
 *
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`
 */
export function setRegistries(registries: Registry | readonly Registry[]): void {
  const all = [registries].flat() as readonly Registry[];
  if (all.length === 0 || !all.every(isRegistry)) {
    throw invalidType('registries', 'a registry of prom-client, or an array of them', registries);
  }
  chosen.registries = all;
}

/**
 * The metrics of all workers of this service as one text for Prometheus, of the content type of the first registry: what
 * `AggregatorRegistry.clusterMetrics()` is with node:cluster.
 *
 * Each metric is aggregated as its `aggregator` says. What only grows (counters, histograms, the sums and counts of summaries) goes on
 * from what workers have counted that have ended, and never goes back; gauges are those of the workers that are there. Every worker is
 * asked, and answers with what it has counted by then; one whose event loop stands still for a second counts with what it answered last.
 * A worker that ends leaves its last figures; of one that is killed those count that it answered last. What the application counts
 * before its first `listen()` is no worker's.
 *
 * Where no manager runs, and in a template, these are the metrics of this process alone.
 *
 * @throws Error `ERR_PREFORK_UNSUPPORTED`: prom-client is not installed; what a function `collect` of a metric throws, where no
 *   manager runs; all as rejections
 */
export async function clusterMetrics(): Promise<string> {
  const [first, ...others] = registries();
  if (first === undefined) return '';
  if (ownRow() !== undefined)
    return aggregate(promClient(), await gatherMetrics(), first.contentType).metrics();
  if (others.length > 0) return aggregate(promClient(), await twice(collected), first.contentType).metrics();
  return twice(async () => first.metrics());
}

function isRegistry(value: Partial<Registry> | null): boolean {
  return typeof value?.getMetricsAsJSON === 'function' && typeof value.getMetricsAsArray === 'function';
}

function promClient(): PromClient {
  const {
    argv: [, program],
  } = process;
  chosen.promClient ??= findPromClient(program === undefined ? null : dirname(program));
  if (chosen.promClient !== undefined) return chosen.promClient;
  const message =
    'prefork/metrics needs prom-client: npm install prom-client, in the folder of the application';
  throw preforkError('ERR_PREFORK_UNSUPPORTED', message);
}

function registries(): readonly Registry[] {
  chosen.registries ??= [promClient().register];
  return chosen.registries;
}

function collected(): Promise<Families[]> {
  return Promise.all(registries().map(async (each) => checkedFamilies(await each.getMetricsAsJSON())));
}

async function collect(): Promise<Families> {
  return (await collected()).flat();
}

/** As prom-client has it, and its types have not. */
interface Metric {
  type: Family['type'];
  get(): Promise<unknown>;
}

/**
 * The first time in a forked process prom-client's default metrics subtract the processor time of its parent from that of this one,
 * and refuse what is less than zero.
 */
function twice<T>(ask: () => Promise<T>): Promise<T> {
  return ask().catch(ask);
}

async function counted(): Promise<Families> {
  const metrics = registries().flatMap((each) => each.getMetricsAsArray() as Metric[]);
  const growing = metrics.filter(({ type }) => type !== 'gauge');
  const found = await Promise.allSettled(growing.map((each) => twice(() => each.get())));
  return checkedFamilies(found.map((each) => (each.status === 'fulfilled' ? each.value : undefined)));
}

async function sum(all: readonly Families[]): Promise<Families> {
  return checkedFamilies(await aggregate(promClient(), all).getMetricsAsJSON());
}
