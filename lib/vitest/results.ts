/** What vitest hears of the tests of one file, and how two runs of it differ. */
import { asResponse, type Call } from './orders';

interface Task {
  id: string;
  name: string;
  fullName?: string;
  result?: { state?: string };
  tasks?: Task[];
}

type Pack = [id: string, result: { state?: string } | undefined, meta: unknown];

/** An error outside of any test has no name of its own. */
const OUTSIDE = 'an error outside of its tests';

export class Results {
  readonly #names = new Map<string, string>();
  readonly #states = new Map<string, string>();

  hear(message: unknown, call: Call | undefined): void {
    const [first] = call?.a ?? [];
    if (call?.m === 'onCollected') for (const file of first as Task[]) this.#note(file);
    if (call?.m === 'onTaskUpdate')
      for (const [id, result] of first as Pack[]) this.#states.set(id, result?.state ?? '');
    if (call?.m === 'onUnhandledError' || asResponse(message)?.error !== undefined)
      this.#states.set(OUTSIDE, 'fail');
  }

  #note(task: Task): void {
    this.#names.set(task.id, task.fullName ?? task.name);
    if (task.result?.state !== undefined) this.#states.set(task.id, task.result.state);
    for (const child of task.tasks ?? []) this.#note(child);
  }

  get hasFailed(): boolean {
    return [...this.#states.values()].includes('fail');
  }

  /** The names of what has not the same state in the other. */
  differences(other: Results): string[] {
    const ids = new Set([...this.#states.keys(), ...other.#states.keys()]);
    return [...ids]
      .filter((id) => this.#states.get(id) !== other.#states.get(id))
      .map((id) => this.#names.get(id) ?? other.#names.get(id) ?? id);
  }
}
