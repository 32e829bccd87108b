/** What vitest wants of a worker. */
import type { WorkerRequest } from 'vitest/node' with { 'resolution-mode': 'import' };
import type { PoolProcess } from './pool-process';

export type StartRequest = Extract<WorkerRequest, { type: 'start' }>;
export type FileRequest = Extract<WorkerRequest, { type: 'run' | 'collect' }>;

/** Has the messages of a template answered by vitest, until it has done what it was told. */
export type Through = <T>(template: PoolProcess, work: () => Promise<T>) => Promise<T>;
