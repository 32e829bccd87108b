/** Attendants that are told nothing more, and until when each may go on with what it was told. Times are those of the monotonic clock. */
export class Farewells<Attendant> {
  readonly #until = new Map<Attendant, number>();

  begin(attendant: Attendant, until: number): void {
    this.#until.set(attendant, until);
  }

  ended(attendant: Attendant): void {
    this.#until.delete(attendant);
  }

  /** Those whose time is up: each once. */
  late(now: number): Attendant[] {
    const late = [...this.#until].filter(([, until]) => until <= now).map(([attendant]) => attendant);
    for (const attendant of late) this.#until.delete(attendant);
    return late;
  }

  /** When the next one's time is up; Infinity: there is none. */
  get next(): number {
    return Math.min(...this.#until.values());
  }
}
