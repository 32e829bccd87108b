import { createHash } from 'node:crypto';
import { outOfRange, string } from '../base/arguments';
import { invalidType } from '../base/errors';
import { sharedCounterCells } from './memory';

/** One number that a family of processes keeps together. */
export interface SharedCounter {
  /** Adds an integer, 1 if none is given, in one step that no other process can come between. */
  add(amount?: number): void;
  /** What all processes together have added, also those that have ended since. */
  readonly value: number;
}

/** A cell is two numbers: the key, 0 while it is free, and the value. */
const CELL = 2;

/** 64 bits of a name, never 0. With them a cell is taken in one step, which no kill can leave half done. */
function keyOf(name: string): bigint {
  return createHash('sha256').update(name).digest().readBigInt64LE() || 1n;
}

/** Where the value of `name` is: in the cell that has its key, or in the first free one, which gets it. */
function findCell(cells: BigInt64Array, name: string): number {
  const key = keyOf(name);
  const count = cells.length / CELL;
  const first = Number(BigInt.asUintN(32, key)) % count;
  for (let step = 0; step < count; step++) {
    const index = ((first + step) % count) * CELL;
    const present = Atomics.compareExchange(cells, index, 0n, key);
    if (present === 0n || present === key) return index + 1;
  }
  throw outOfRange(`There can be no more than ${count} shared counters`);
}

function toInteger(amount: unknown): bigint {
  if (typeof amount !== 'number' || !Number.isSafeInteger(amount)) {
    throw invalidType('amount', 'an integer', amount);
  }
  return BigInt(amount);
}

class Cell implements SharedCounter {
  readonly #cells: BigInt64Array;
  readonly #index: number;

  constructor(cells: BigInt64Array, index: number) {
    this.#cells = cells;
    this.#index = index;
  }

  add(amount = 1): void {
    Atomics.add(this.#cells, this.#index, amount === 1 ? 1n : toInteger(amount));
  }

  get value(): number {
    return Number(Atomics.load(this.#cells, this.#index));
  }
}

/**
 * Counters that this process, the processes it forks and their workers have in common: what each adds, all see at once,
 * and it stays when the one who added it ends. The same name is the same counter wherever it is asked for, 4,096 of
 * them at most.
 *
 * Under `prefork` call it anywhere. With `fork()` or `forkProcesses()`, call it once before the fork: a process that
 * calls it for the first time after it was forked shares with its own children only.
 *
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`; `add` throws it too, for what is no integer
 * @throws RangeError `ERR_PREFORK_OUT_OF_RANGE` if there are too many
 */
export function sharedCounters<const Name extends string>(
  names: readonly Name[],
): Readonly<Record<Name, SharedCounter>> {
  if (!Array.isArray(names)) throw invalidType('names', 'an array of strings', names);
  const cells = sharedCounterCells();
  const counters = names.map((name: unknown) => {
    const checked = string('each of names', name);
    return [checked, new Cell(cells, findCell(cells, checked))] as const;
  });
  return Object.fromEntries(counters) as unknown as Record<Name, SharedCounter>;
}
