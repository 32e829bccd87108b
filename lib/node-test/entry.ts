/** What the process of node:test's runner has a template do. */

/** A test file, as `node` would be started with it; what comes before it is the template's own. */
export interface Entry {
  path: string;
  /** What comes after it. */
  argv: string[];
  /** Variables that not all files have alike. */
  env: Record<string, string>;
}

/** How a template gets ready. */
export type Step =
  /** Says why files cannot be forked from it as it is, if there is a reason. */
  | { step: 'begin' }
  /** Evaluates a module. */
  | { step: 'preload'; name: string };

/** The variable that says which of several files that run at a time this is. */
export const WORKER_ID = 'NODE_TEST_WORKER_ID';
