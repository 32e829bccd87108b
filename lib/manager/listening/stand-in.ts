/** A server takes itself for listening as long as it has a handle. */

/** What lib/net.js keeps of it. */
export interface Handle {
  fd?: number;
  close(): void;
  hasRef?(): boolean;
  getsockname?(out: object): number;
}

/**
 * Stands in for the handle of a server whose socket has been let go of, or is yet to come: the server listens, has its
 * address, and can be closed, once. It does not keep the process alive: nobody comes.
 */
export class StandIn implements Handle {
  readonly fd = -1;
  /** Present for TCP only, which is how `server.address()` tells it from a Unix socket. */
  declare getsockname?: (out: object) => number;
  #keepsAlive: boolean;

  constructor(name: object | undefined, keepsAlive: boolean) {
    this.#keepsAlive = keepsAlive;
    if (name === undefined) return;
    this.getsockname = (out) => {
      Object.assign(out, name);
      return 0;
    };
  }

  close(): void {}

  ref(): void {
    this.#keepsAlive = true;
  }

  unref(): void {
    this.#keepsAlive = false;
  }

  hasRef(): boolean {
    return this.#keepsAlive;
  }
}
