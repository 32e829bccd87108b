/** What Jest's process has a template do, and what the process of a file says to it. */
import type { GlobalConfig, ProjectConfig } from './jest';
import type { JestPackages } from './packages';

/** What Jest hands to its workers for a file. */
export interface FileRequest {
  path: string;
  config: ProjectConfig;
  globalConfig: GlobalConfig;
  context: object;
}

/** How a template gets ready. */
export type Step =
  /** Loads what Jest's own workers consist of. `setup` is what Jest hands to these, as JSON. */
  | { step: 'begin'; runner: string; setup: string }
  /** Runs a file without a test of the user's, for a project. */
  | { step: 'rehearse'; request: string };

export interface Entry {
  /** What Jest hands to its own workers for a file, as JSON. */
  request: string;
  /** Which of those files that run at a time it is, from '1'. */
  workerId: string;
}

/** As Jest's own workers send it: by JSON, or what that has no form for. */
export type Packed = { json: string } | { records: unknown };

/** From the process of a file. */
export type FromFile =
  /** Something has happened: Jest's name for it, and what it is about. */
  | { event: Packed }
  /** The last word: the result, or why there is none. */
  | { result: Packed }
  | { failure: Packed };

export function pack(value: unknown, jest: JestPackages): Packed {
  try {
    return { json: JSON.stringify(value) ?? 'null' };
  } catch {
    return { records: jest.structuredClone.serialize(value, { json: true }) };
  }
}

export function unpack(packed: Packed, jest: JestPackages): unknown {
  return 'json' in packed ? JSON.parse(packed.json) : jest.structuredClone.deserialize(packed.records);
}
