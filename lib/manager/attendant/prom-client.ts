/** prom-client, which writes what Prometheus reads: the application's, or else one that is installed beside this package. */
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** As its registries give it away (`getMetricsAsJSON()`). */
export interface Family {
  name: string;
  help: string;
  type: 'counter' | 'gauge' | 'histogram';
  /** How those of several registries become one. */
  aggregator: 'sum';
  values: { value: number; labels: Record<string, string | number>; metricName?: string }[];
}

/** What is used of it. */
export interface PromClient {
  AggregatorRegistry: {
    aggregate(registries: readonly (readonly Family[])[]): Registry;
  };
}

interface Registry {
  contentType: string;
  metrics(): string | Promise<string>;
}

/**
 * undefined: there is none.
 *
 * @param folder the application's; null: not known
 */
export function findPromClient(folder: string | null): PromClient | undefined {
  const places = [...(folder === null ? [] : [join(folder, 'application.js')]), __filename];
  for (const place of places) {
    try {
      return createRequire(place)('prom-client') as PromClient;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  return undefined;
}
