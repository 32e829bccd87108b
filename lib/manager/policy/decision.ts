/** One event being dealt with: the state as it becomes, and what is done on the way. */
import type { EventWith, FieldsOf, LevelOf, LogEntry, LogEvent, PlainEvent } from '../log-events';
import type { Action } from './actions';
import type { Slot, State, Worker } from './state';

export class Decision {
  state: State;
  readonly actions: Action[] = [];
  readonly now: number;

  constructor(state: State, now: number) {
    this.state = state;
    this.now = now;
  }

  set(changes: Partial<State>): void {
    this.state = { ...this.state, ...changes };
  }

  slot(id: number): Slot | undefined {
    return this.state.slots.find((slot) => slot.id === id);
  }

  worker(pid: number): Worker | undefined {
    return this.state.workers.find((worker) => worker.pid === pid);
  }

  change({ id }: Slot, changes: Partial<Slot>): void {
    this.set({
      slots: this.state.slots.map((slot) => (slot.id === id ? { ...slot, ...changes } : slot)),
    });
  }

  update({ pid }: Worker, changes: Partial<Worker>): void {
    this.set({
      workers: this.state.workers.map((worker) => (worker.pid === pid ? { ...worker, ...changes } : worker)),
    });
  }

  log<E extends PlainEvent>(level: LevelOf<E>, event: E, message: string, fields?: FieldsOf<E>): void {
    this.#log(level, event, message, fields ?? {});
  }

  logWorker<E extends EventWith<'worker' | 'pid'>>(
    level: LevelOf<E>,
    event: E,
    { id, pid }: Worker,
    what: string,
  ): void {
    this.#log(level, event, `Worker ${id} (pid ${pid}) ${what}`, { worker: id, pid });
  }

  /** Their types have been checked where this is called: for the compiler each event is a type of its own. */
  #log(level: LogEntry['level'], event: LogEvent, message: string, fields: object): void {
    this.actions.push({ type: 'log', entry: { level, event, message, ...fields } as LogEntry });
  }
}
