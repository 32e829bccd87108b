import { binding } from '../base/binding';

/**
 * Sockets that share a port (SO_REUSEPORT), each for one id: the address of a client decides whose it is, by a program in
 * the kernel that needs no rights. The sockets keep it when this process ends.
 *
 * All of them stay open: where each stands among them is how the program names it. A client moves only if its id is
 * deleted, or an id is added to which it then belongs.
 */
export class ByAddress {
  readonly #fd: number;
  /** In the order in which their sockets began to listen. */
  readonly #ids: number[];
  readonly #chosen: Set<number>;

  /**
   * @param fd of any of the sockets
   * @param ids in the order in which their sockets began to listen
   */
  constructor(fd: number, ids: readonly number[], chosen: Iterable<number> = ids) {
    this.#fd = fd;
    this.#ids = [...ids];
    this.#chosen = new Set(chosen);
  }

  /** At most this many ids. */
  static readonly MOST = 256;

  get chosen(): number[] {
    return [...this.#chosen];
  }

  /** False where the kernel does not take the program: then it chooses by a hash of addresses and ports. */
  choose(): boolean {
    const pairs = this.#ids.flatMap((id, position) => (this.#chosen.has(id) ? [id, position] : []));
    return binding.by_address_choose(this.#fd, Uint32Array.from(pairs)) === 0;
  }

  /** Its clients come to it from now on. A socket that is not known yet is the last that has begun to listen. */
  add(id: number): void {
    if (this.#chosen.has(id)) return;
    if (!this.#ids.includes(id)) this.#ids.push(id);
    this.#chosen.add(id);
    this.choose();
  }

  /** New connections of its clients go to others; those that wait for it already stay there. */
  delete(id: number): void {
    if (this.#chosen.delete(id)) this.choose();
  }
}
