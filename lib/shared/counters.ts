import { outOfRange, string } from '../base/arguments';
import { invalidType } from '../base/errors';
import { sharedCounterCells } from './memory';

/** A number shared by a family of processes. */
export interface SharedCounter {
  /** Adds an integer, atomically. Default: 1. */
  add(amount?: number): void;
  /** The sum over all processes, including those that have ended. */
  readonly value: number;
}

/** A cell is two numbers: the key, 0 while free, and the value. */
const CELL = 2;

/** 64 bits of a name, never 0: they take a cell in one step, which no kill can leave half done. */
function keyOf(name: string): bigint {
  const { createHash } = require('node:crypto') as typeof import('node:crypto');
  return createHash('sha256').update(name).digest().readBigInt64LE() || 1n;
}

/** Finds the value of `name`: in the cell with its key, or in the first free one, which gets the key. */
export function findCell(cells: BigInt64Array, name: string): number {
  const key = keyOf(name);
  const count = cells.length / CELL;
  const first = Number(BigInt.asUintN(32, key)) % count;
  for (let step = 0; step < count; step++) {
    const index = ((first + step) % count) * CELL;
    const present = Atomics.compareExchange(cells, index, 0n, key);
    if (present === 0n || present === key) return index + 1;
  }
  throw outOfRange(`Expected at most ${count} shared counters`);
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
 * Returns counters that this process shares with the processes it forks. All see at once what one adds, and it stays when
 * that process ends. The same name is the same counter everywhere. There are at most 4,096.
 *
 * Under `prefork` call it anywhere. With `fork()` or `forkProcesses()`, call it once before the fork: a process that
 * calls it first after being forked shares counters only with its own children.
 *
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`; `add` throws it, too, unless it gets an integer
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
