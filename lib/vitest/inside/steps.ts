/**
 * In which order a file has modules evaluated, without evaluating any. vitest has transformed each module to a function that
 * awaits its static imports one after the other, at its beginning.
 */
import { readFileSync } from 'node:fs';
import type { EvaluatedModuleNode } from 'vite/module-runner' with { 'resolution-mode': 'import' };
import type { Fetched, Plan, Step } from '../orders';

/** vitest's module runner, with what it has for its own mocker. */
export interface Runner {
  fetchModule: (url: string, importer?: string) => Promise<EvaluatedModuleNode>;
  cachedRequest: (url: string, node: EvaluatedModuleNode) => Promise<unknown>;
  evaluatedModules: {
    /** In the order in which they were fetched. */
    idToModuleMap: Map<string, EvaluatedModuleNode>;
    ensureModule: (id: string, url: string) => EvaluatedModuleNode;
  };
}

const IMPORTS = /await __vite_ssr_import__\(\s*("(?:[^"\\]|\\.)*")/g;
/** Mocks belong to the file that was under way when they were made, and what is hoisted comes before its imports. */
const MOCKS = /\.\s*(?:mock|unmock|doMock|doUnmock|hoisted)\s*\(/;
/** Also by `import.meta.env`. */
const NUMBERS = /VITEST_(?:POOL|WORKER)_ID/;
const VITESTS_OWN = /^(?:node:|@?vitest(?:\/|$))|\/node_modules\/(?:@vitest|vitest)\//;
/** Against bytes of code: a package is worth a warm process. */
const WEIGHT_OF_PACKAGE = 100_000;

interface Meta {
  code?: string;
  externalize?: string;
  type?: string;
  file?: string | null;
  /** Where vitest has written the code. */
  tmp?: string;
}

const metaOf = (node: EvaluatedModuleNode): Meta => (node.meta ?? {}) as Meta;

/** Whether it mocks, or asks which process it is in. */
export function belongsToFile(node: EvaluatedModuleNode): boolean {
  const { code = '' } = metaOf(node);
  return MOCKS.test(code) || NUMBERS.test(code);
}

class Cut extends Error {}

/**
 * A module is a step when no module that it needs, itself or through others, is still being evaluated: imported by itself it
 * has then the same modules evaluated in the same order (Tarjan: it is the root of a strongly connected component).
 */
class Walk {
  readonly steps: Step[] = [];
  readonly #runner: Runner;
  readonly #index = new Map<string, number>();
  readonly #lowest = new Map<string, number>();
  /** Those that wait for the root of their component. */
  readonly #open: string[] = [];

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  /** Fetched together: nothing is evaluated by that, so that the order does not matter. */
  #imports(node: EvaluatedModuleNode): Promise<EvaluatedModuleNode[]> {
    const { code = '', file } = metaOf(node);
    const urls = [...code.matchAll(IMPORTS)].map(([, quoted]) => JSON.parse(quoted as string) as string);
    return Promise.all(urls.map((url) => this.#runner.fetchModule(url, file || node.id)));
  }

  /** Whether it has come to this module. */
  has({ id }: EvaluatedModuleNode): boolean {
    return this.#index.has(id);
  }

  async visit(node: EvaluatedModuleNode, isFile = false): Promise<void> {
    const { id } = node;
    const index = this.#index.size;
    this.#index.set(id, index);
    let lowest = index;
    this.#open.push(id);
    if (belongsToFile(node)) throw new Cut();
    for (const imported of await this.#imports(node)) {
      if (!this.#index.has(imported.id)) await this.visit(imported);
      if (this.#open.includes(imported.id)) lowest = Math.min(lowest, this.#lowestOf(imported.id));
    }
    this.#lowest.set(id, lowest);
    if (lowest === index && !isFile) this.#close(node);
  }

  #lowestOf(id: string): number {
    return this.#lowest.get(id) ?? (this.#index.get(id) as number);
  }

  #close(node: EvaluatedModuleNode): void {
    const closed = this.#open.splice(this.#open.indexOf(node.id));
    const { externalize, type } = metaOf(node);
    if (type === 'builtin' || (externalize !== undefined && VITESTS_OWN.test(externalize))) return;
    const weight = closed.map((id) => this.#weight(id)).reduce((sum, each) => sum + each, 0);
    this.steps.push({ id: node.id, weight });
  }

  #weight(id: string): number {
    const node = this.#runner.evaluatedModules.idToModuleMap.get(id);
    return node === undefined ? 0 : (metaOf(node).code?.length ?? WEIGHT_OF_PACKAGE);
  }
}

/** What a process that has not fetched the module is told instead. The code is in a file. */
function fetchedOf(node: EvaluatedModuleNode, number: number): Fetched | undefined {
  const { code, ...meta } = metaOf(node);
  const isKnown = meta.tmp !== undefined || (code === undefined && meta.externalize !== undefined);
  return isKnown ? { number, id: node.id, url: node.url, meta } : undefined;
}

/**
 * What the file of this URL has evaluated before itself, as far as that is known, and what was fetched for it since there were
 * so many modules.
 */
export async function planOf(runner: Runner, url: string, since: number): Promise<Plan> {
  const walk = new Walk(runner);
  try {
    await walk.visit(await runner.fetchModule(url), true);
  } catch {
    // Of what comes after this nothing is known: the file itself will say what is wrong.
  }
  const all = [...runner.evaluatedModules.idToModuleMap.values()];
  const fetched = all
    .slice(since)
    .map((node, index) => (walk.has(node) ? fetchedOf(node, since + index) : undefined))
    .filter((each) => each !== undefined);
  return { steps: walk.steps, fetched, modules: all.length };
}

/** What another process has fetched: vitest need not be asked for it again. */
export function learn({ evaluatedModules }: Runner, fetched: Fetched[]): void {
  for (const { id, url, meta } of fetched) {
    const node = evaluatedModules.ensureModule(id, url);
    if (node.meta !== undefined) continue;
    const { tmp } = meta as Meta;
    const code = tmp === undefined ? {} : { code: readFileSync(tmp, 'utf8') };
    node.meta = { ...meta, ...code } as NonNullable<EvaluatedModuleNode['meta']>;
  }
}

/** As the file does. */
export async function evaluate(runner: Runner, { id }: Step): Promise<void> {
  const node = runner.evaluatedModules.idToModuleMap.get(id);
  if (node === undefined) throw new Error(`${id} was not fetched`);
  await runner.cachedRequest(node.url, node);
}
