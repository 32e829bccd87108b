/** Those who look at the page: each gets what is new over a response that does not end (server-sent events). */
import type { ServerResponse } from 'node:http';

/** Probes need connections, too. */
const MOST = 20;
/** Bytes that one has not taken: it is let go, and comes back if it is still there. */
const LONGEST_QUEUE = 512 * 1024;
/** Milliseconds after which one that was let go comes back. */
const RETRY = 500;

export class Viewers {
  readonly #responses = new Set<ServerResponse>();
  #hasEnded = false;

  get areThere(): boolean {
    return this.#responses.size > 0;
  }

  get areTooMany(): boolean {
    return this.#hasEnded || this.#responses.size >= MOST;
  }

  /** @param first what it is to get before all that is new */
  add(response: ServerResponse, first: string): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(`retry: ${RETRY}\n\n${first}`);
    this.#responses.add(response);
    response.on('close', () => this.#responses.delete(response));
  }

  tell(event: string): void {
    for (const response of this.#responses) {
      if (response.writableLength > LONGEST_QUEUE) response.destroy();
      else response.write(event);
    }
  }

  /** Each comes back to the next attendant. */
  end(): void {
    this.#hasEnded = true;
    for (const response of this.#responses) response.end();
  }
}

/** https://html.spec.whatwg.org/multipage/server-sent-events.html; JSON has no line breaks. */
export function eventOf(name: string, value: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(value)}\n\n`;
}
