import type { LogEntry } from '../log-events';
import type { Log, LogFormat } from '../settings';

/** The manager's log, in the format of the generation that serves: it acts first, and says so when all is done. */
export class OwnLog {
  readonly #make: (format: LogFormat) => Log;
  readonly #entries: LogEntry[] = [];
  readonly #told: (entry: LogEntry) => void;
  #log: Log;

  /** @param told is called with every entry, at once */
  constructor(make: (format: LogFormat) => Log, format: LogFormat, told: (entry: LogEntry) => void) {
    this.#told = told;
    this.#make = make;
    this.#log = make(format);
  }

  setFormat(format: LogFormat): void {
    this.#log = this.#make(format);
  }

  /** Written at the next `write()`. */
  readonly note: Log = (entry) => {
    this.#told(entry);
    this.#entries.push(entry);
  };

  /** In the order in which it was noted, whoever noted it. */
  write(): void {
    for (const entry of this.#entries.splice(0)) this.#log(entry);
  }
}
