import { binding } from '../../base/binding';
import type { Endpoint } from '../listening/endpoints';
import { rulesOf } from '../rules';
import type { Log, PlainSettings } from '../settings';

/** Logs where workers listen: each address once. */
export class Announcements {
  readonly #log: Log;
  readonly #pid = binding.process_getpid();
  readonly #announced = new Set<Endpoint>();
  #isListening = false;

  constructor(log: Log) {
    this.#log = log;
  }

  /** It is closed, and announced again should it be bound once more. */
  ended(endpoint: Endpoint): void {
    this.#announced.delete(endpoint);
    this.#log({
      level: 'info',
      event: 'listening_ended',
      message: `No longer listening on ${endpoint.name}`,
    });
  }

  /** That workers listen there has been said by an earlier program of this process. */
  takeOver(endpoints: readonly Endpoint[]): void {
    for (const endpoint of endpoints) this.#announced.add(endpoint);
    this.#isListening = true;
  }

  announce(endpoints: readonly Endpoint[], settings: PlainSettings): void {
    const fresh = endpoints.filter((endpoint) => !this.#announced.has(endpoint));
    for (const endpoint of fresh) this.#announced.add(endpoint);
    const names = fresh.map(({ name }) => name).join(', ');
    if (fresh.length === 0) return;
    const { workers } = rulesOf(settings);
    const rest = this.#isListening ? ', too' : ` with ${workers} worker${workers === 1 ? '' : 's'}`;
    this.#isListening = true;
    this.#log({
      level: 'info',
      event: 'listening_started',
      message: `Listening on ${names}${rest}`,
      pid: this.#pid,
    });
  }
}
