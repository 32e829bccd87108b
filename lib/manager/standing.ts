/** Where a worker stands when it is asked: what it answers a command, and what of that can be one. */
import { type Check, hasShape, isCount, isText, listOf, orNull } from './channel/shapes';

/** A request that waits for its answer. */
export interface RequestInHand {
  /** Method and path; `?…` stands for what may be secret. */
  name: string;
  /** Milliseconds since it came; null: not known. */
  age: number | null;
}

export interface Standing {
  pid: number;
  /** Of the JavaScript that runs; null: none does, the event loop waits. */
  stack: string | null;
  /** The first of them. */
  requests: RequestInHand[];
  /** How many are left out. */
  more: number;
}

export const MOST_REQUESTS = 100;
const LONGEST_STACK = 64 * 1024;

const isAge: Check = (value) => typeof value === 'number' && value >= 0;
const isStack: Check = (value) => typeof value === 'string' && value.length <= LONGEST_STACK;
const isRequest: Check = (value) => hasShape(value, { name: isText, age: orNull(isAge) });
const STANDING: Record<keyof Standing, Check> = {
  pid: isCount,
  stack: orNull(isStack),
  requests: listOf(isRequest, MOST_REQUESTS),
  more: isCount,
};

/** Undefined: nothing that a worker answers. */
export function standingIn(bytes: Buffer): Standing | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString());
    return hasShape(value, STANDING) ? (value as Standing) : undefined;
  } catch {
    return undefined;
  }
}
