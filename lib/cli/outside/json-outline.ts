/** Whether bytes that come part by part can be one object of JSON: how it begins, how it nests, and that nothing follows it. */
const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN, CLOSE] = Buffer.from('"\\[]{}');

export class JsonOutline {
  readonly #beginning: Buffer;
  #length = 0;
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #isOver = false;
  #isWrong = false;

  /** @param beginning the first bytes that it must have */
  constructor(beginning: string) {
    this.#beginning = Buffer.from(beginning);
  }

  /** So far it can be one. */
  add(bytes: Buffer): boolean {
    for (const byte of bytes) this.#addByte(byte);
    return !this.#isWrong;
  }

  /** It is one, and all of it. */
  get isWhole(): boolean {
    return this.#isOver && !this.#isWrong;
  }

  #addByte(byte: number): void {
    const expected = this.#beginning[this.#length];
    this.#length += 1;
    if ((expected !== undefined && byte !== expected) || this.#isOver) this.#isWrong = true;
    if (this.#isInString) this.#addToString(byte);
    else if (byte === QUOTE) this.#isInString = true;
    else if (byte === OPEN || byte === OPEN_LIST) this.#depth += 1;
    else if (byte === CLOSE || byte === CLOSE_LIST) this.#leave();
  }

  #addToString(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) this.#isInString = false;
  }

  #leave(): void {
    this.#depth -= 1;
    this.#isOver = this.#depth <= 0;
  }
}
