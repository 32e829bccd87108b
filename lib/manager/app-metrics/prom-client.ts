/** prom-client, which writes what Prometheus reads: the application's, or else one that is installed beside this package. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { agreed, type Families } from './families';

/** What is used of it. */
export interface PromClient {
  register: Registry;
  AggregatorRegistry: {
    aggregate(registries: readonly Families[], contentType?: string): Registry;
  };
}

/** A registry of prom-client. */
export interface Registry {
  /** Of the text. */
  readonly contentType: string;
  /** All as text. */
  metrics(): string | Promise<string>;
  /** All as objects, with their values. */
  getMetricsAsJSON(): unknown;
  /** All as objects, without their values. */
  getMetricsAsArray(): unknown[];
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

/** What several processes have counted, as one registry. */
export function aggregate(
  { AggregatorRegistry }: PromClient,
  all: readonly Families[],
  contentType?: string,
): Registry {
  return AggregatorRegistry.aggregate(agreed(all), contentType);
}
