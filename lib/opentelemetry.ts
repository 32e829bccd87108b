/**
 * For OpenTelemetry's SDK: what it is to know of each worker. Its own detectors look when they are loaded, which is in the
 * template: every worker would be the same instance of the service, with the pid of a process that serves nobody.
 * @module
 */
import { randomUUID } from 'node:crypto';
import { isDestined, onceWorking, worker } from './manager/worker/worker';

/**
 * Attributes of a resource; those that are not known yet are promises, for which exporters wait. A type of this package's own, so
 * that it needs none of OpenTelemetry's; `DetectedResource` of `@opentelemetry/resources` accepts it.
 */
export interface WorkerResource {
  /** By the names of the semantic conventions, and `prefork.worker.id` and `prefork.worker.generation`. */
  attributes: Record<string, Promise<string | number | undefined>>;
}

/** A `ResourceDetector` of `@opentelemetry/resources`. */
export interface WorkerDetector {
  /** What is known of this process, or will be of each worker that is forked from it. */
  detect(): WorkerResource;
}

/**
 * A resource detector for `NodeSDK({ resourceDetectors: […, workerDetector] })` of `@opentelemetry/sdk-node`, last in the list, so
 * that its attributes count and not those that others have found in the template.
 *
 * In a worker they are `service.instance.id`, random and its own, `process.pid`, `process.parent_pid` (the manager), and
 * `prefork.worker.id` and `prefork.worker.generation`, as `worker()` has them. In the template they stay pending, so nothing is
 * exported from there. Where no manager runs, and in the attendant, they are those of this process, without the last two.
 */
export const workerDetector: WorkerDetector = {
  detect() {
    const working = new Promise<void>((resolve) => {
      onceWorking(resolve);
    });
    const inWorker = <T extends string | number | undefined>(find: () => T): Promise<T> => working.then(find);
    return {
      attributes: {
        'service.instance.id': inWorker(() => randomUUID()),
        'process.pid': inWorker(() => process.pid),
        'process.parent_pid': inWorker(() => process.ppid),
        ...(isDestined() && {
          'prefork.worker.id': inWorker(() => worker()?.id),
          'prefork.worker.generation': inWorker(() => worker()?.generation),
        }),
      },
    };
  },
};
