/** The templates of one run of node:test: which there are, and what is evaluated in them. */
import { createHash } from 'node:crypto';
import { serialize } from 'node:v8';
import { type Kind, type NodeTemplate, startTemplate } from './start';

/** A module that cannot be evaluated before the files, and why. */
interface Refused {
  name: string;
  why: string;
}

export class Templates {
  readonly #modules: Set<string>;
  readonly #warn: (text: string) => void;
  readonly #all = new Map<string, Promise<NodeTemplate | undefined>>();

  constructor(modules: readonly string[], warn: (text: string) => void) {
    this.#modules = new Set(modules);
    this.#warn = warn;
  }

  /** undefined: files of this kind cannot be forked, which has been said. */
  of(kind: Kind): Promise<NodeTemplate | undefined> {
    const key = createHash('sha1').update(serialize(kind)).digest('base64');
    const known = this.#all.get(key);
    if (known !== undefined) return known;
    const template = this.#begin(kind).catch((error: Error) => {
      this.#warn(`the test files are started by node:test itself: ${error.message}`);
      return undefined;
    });
    this.#all.set(key, template);
    return template;
  }

  /** Throws if files cannot be forked from what Node's options alone load. */
  async #begin(kind: Kind): Promise<NodeTemplate> {
    const template = startTemplate(kind);
    const why = await template.take({ step: 'begin' });
    if (why !== undefined) {
      template.retire();
      throw new Error(why);
    }
    const refused = await this.#firstRefused(template);
    if (refused === undefined) return template;
    // It has been evaluated by then: another template is made without it.
    template.retire();
    this.#modules.delete(refused.name);
    this.#warn(`${refused.name} is not loaded before the files: ${refused.why}`);
    return this.#begin(kind);
  }

  /** One after the other, so that it is known which one has ended the process. */
  async #firstRefused(template: NodeTemplate): Promise<Refused | undefined> {
    for (const name of [...this.#modules]) {
      const why = await template.take({ step: 'preload', name }).catch((error: Error) => error.message);
      if (why !== undefined) return { name, why };
    }
    return undefined;
  }

  /** They end when the files that run have ended. */
  retire(): void {
    for (const each of this.#all.values()) void each.then((template) => template?.retire());
    this.#all.clear();
  }
}
