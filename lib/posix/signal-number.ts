import { constants } from 'node:os';
import { integer, invalidValue } from '../base/arguments';
import { invalidType } from '../base/errors';

const MAX_SIGNAL = 64;

/** The number of a signal that was given by number, from `min` on, or by name. */
export function signalNumber(name: string, signal: unknown, min = 0): number {
  if (typeof signal === 'number') return integer(name, signal, min, MAX_SIGNAL);
  if (typeof signal !== 'string') throw invalidType(name, 'the name or number of a signal', signal);
  const number = new Map(Object.entries(constants.signals)).get(signal);
  if (number !== undefined) return number;
  throw invalidValue(`Expected the name of a signal for ${name} but received '${signal}'`);
}
