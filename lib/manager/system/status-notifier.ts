/** Tells a service manager how the service is: when it is ready, replaces its workers, ends, and that it lives. */
import { binding } from '../../base/binding';
import type { State } from '../policy';
import type { NotifyTarget } from '../settings';
import { isForLater } from './later';

/** Signs of life in each interval of the watchdog: sd_watchdog_enabled(3) advises two. */
const SIGNS_OF_LIFE = 2;
/** Milliseconds until a message that found no room is sent again. */
const RETRY_AFTER = 100;
/** Messages that are kept for a service manager that does not read. */
const MAX_UNSENT = 16;

type Seen = Pick<State, 'announced' | 'rolling' | 'generation' | 'phase'>;

/** For another program in this process. */
export interface Said {
  seen: Seen;
  unsent: string[];
}

export class StatusNotifier {
  readonly #target: NotifyTarget | null;
  #seen: Seen = { announced: false, rolling: false, generation: 0, phase: 'running' };
  #status = '';
  #unsent: string[] = [];
  #nextSign: number;

  /** @param said what an earlier program of this process has told, and not got rid of */
  constructor(target: NotifyTarget | null, said?: Said) {
    this.#target = target;
    if (said !== undefined) {
      this.#seen = said.seen;
      this.#unsent = [...said.unsent];
    }
    this.#nextSign = target?.watchdog == null ? Number.POSITIVE_INFINITY : 0;
  }

  /** @param now milliseconds of the monotonic clock; tells what has changed since the last call */
  observe(state: State, now: number): void {
    if (this.#target === null) return;
    const status = statusOf(state);
    const lines = [
      ...changes(this.#seen, state, now),
      ...(status === this.#status ? [] : [`STATUS=${status}`]),
    ];
    const { announced, rolling, generation, phase } = state;
    this.#seen = { announced, rolling, generation, phase };
    this.#status = status;
    if (now >= this.#nextSign) {
      lines.push('WATCHDOG=1');
      this.#nextSign = now + (this.#target.watchdog ?? 0) / SIGNS_OF_LIFE;
    }
    if (lines.length > 0) this.#unsent.push(lines.join('\n'));
    this.#send(this.#target.socket);
  }

  get said(): Said {
    return { seen: this.#seen, unsent: this.#unsent };
  }

  /** When `observe` is to be called next, if nothing happens before. */
  nextCall(now: number): number {
    return this.#unsent.length > 0 ? now + RETRY_AFTER : this.#nextSign;
  }

  /** In their order. A service manager that has gone is told nothing more. */
  #send(socket: string): void {
    while (this.#unsent.length > 0) {
      const result = binding.output_send_datagram(socket, this.#unsent[0] as string);
      if (isForLater(result)) break;
      this.#unsent.shift();
    }
    this.#unsent = this.#unsent.slice(-MAX_UNSENT);
  }
}

function changes(before: Seen, { announced, rolling, generation, phase }: State, now: number): string[] {
  if (phase !== 'running') return before.phase === 'running' ? ['STOPPING=1'] : [];
  const begins = rolling && (!before.rolling || generation !== before.generation);
  if (begins) return ['RELOADING=1', `MONOTONIC_USEC=${Math.floor(now * 1000)}`];
  const isReady = (announced && !before.announced) || (before.rolling && !rolling);
  return isReady ? ['READY=1'] : [];
}

function statusOf({ phase, workers, rolling, looping }: State): string {
  const count = (wanted: string) => workers.filter((worker) => worker.phase === wanted).length;
  const doing =
    phase !== 'running' ? 'ending: ' : looping ? 'workers crash: ' : rolling ? 'replacing workers: ' : '';
  return `${doing}${count('ready')} ready, ${count('booting')} booting, ${count('stopping')} stopping`;
}
