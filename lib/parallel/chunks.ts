/** Items by the chunk, as children take them. */

/** So many items in a row. `items` is empty where children find them in their own memory. */
export interface Chunk {
  first: number;
  count: number;
  items: unknown[];
}

/** Of a list that was there before the fork: only numbers are sent. */
export function* chunksOf(count: number, size: number): Generator<Chunk, void, undefined> {
  for (let first = 0; first < count; first += size) {
    yield { first, count: Math.min(size, count - first), items: [] };
  }
}

/** Of items that come one after the other, and are copied to the children. */
export async function* chunksFrom(
  items: Iterable<unknown> | AsyncIterable<unknown>,
  size: number,
): AsyncGenerator<Chunk, void, undefined> {
  let first = 0;
  let chunk: unknown[] = [];
  for await (const item of items) {
    if (chunk.push(item) < size) continue;
    yield { first, count: chunk.length, items: chunk };
    first += chunk.length;
    chunk = [];
  }
  if (chunk.length > 0) yield { first, count: chunk.length, items: chunk };
}

/** Each child comes four times: the last ones to be done then keep nobody waiting for long. */
export function usualChunkSize(items: number, processes: number): number {
  return Math.max(1, Math.ceil(items / (4 * processes)));
}

/** For messages of errors. */
export function nameOf({ first, count }: Chunk): string {
  return count === 1 ? `item ${first}` : `items ${first} to ${first + count - 1}`;
}
