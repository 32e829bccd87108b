import { binding, type TurnDescriptors } from '../base/binding';
import { check } from '../base/errors';

/**
 * Sockets that share a port (SO_REUSEPORT) take turns: each new connection goes to the next one, chosen by a program in
 * the kernel that this process hands it (BPF_PROG_TYPE_SK_REUSEPORT). The sockets keep it when this process ends. A
 * socket without a turn is given no new connection while another has one.
 *
 * Without it, and for one that no longer listens when its turn comes, the kernel chooses by a hash of the addresses.
 */
export class Turns {
  readonly #descriptors: TurnDescriptors;
  /** The slots of those that have turns. */
  readonly #order = new Set<number>();
  #closed = false;

  private constructor(descriptors: TurnDescriptors) {
    this.#descriptors = descriptors;
  }

  /**
   * Undefined where it cannot be had: without CAP_BPF and CAP_NET_ADMIN (root has them, most containers do not), before
   * Linux 5.12, or where bpf(2) is forbidden.
   *
   * @param fd one of the sockets; the program is for all that listen on its port, now and later
   * @param capacity how many slots, from 0 on
   */
  static take(fd: number, capacity: number): Turns | undefined {
    const descriptors = binding.turns_take(fd, capacity);
    return typeof descriptors === 'number' ? undefined : new Turns(descriptors);
  }

  /** Those that this process had before it became another program, with the slots that have turns, in their order. */
  static takeOver(descriptors: TurnDescriptors, slots: Iterable<number>): Turns {
    const turns = new Turns(descriptors);
    for (const slot of slots) turns.#order.add(slot);
    return turns;
  }

  /** null once nothing can be changed any more. */
  get descriptors(): TurnDescriptors | null {
    return this.#closed ? null : this.#descriptors;
  }

  /** That have turns, in their order. */
  get slots(): number[] {
    return [...this.#order];
  }

  /** Sockets that listen have turns from now on, by slot. If one cannot, none has, for it would be left without work. */
  add(sockets: Iterable<[slot: number, fd: number]>): void {
    if (this.#closed) return;
    for (const [slot, fd] of sockets) {
      if (binding.turns_set_socket(this.#descriptors.sockets, slot, fd) < 0) {
        this.#leaveToHash();
        return;
      }
      this.#order.add(slot);
    }
    this.#tell();
  }

  /** No turns from now on; what waits for the socket already stays there. When none has turns, the hash chooses. */
  delete(slot: number): void {
    if (this.#order.delete(slot) && !this.#closed) this.#tell();
  }

  /** From now on this process can change nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    binding.socket_close(this.#descriptors.sockets);
    binding.socket_close(this.#descriptors.order);
  }

  #leaveToHash(): void {
    this.#order.clear();
    this.#tell();
    this.close();
  }

  #tell(): void {
    check(binding.turns_set_order(this.#descriptors.order, Uint32Array.from(this.#order)), 'bpf');
  }
}
