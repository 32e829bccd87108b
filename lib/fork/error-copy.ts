/**
 * Errors as `serialize()` can take them, and made again. By itself it leaves out, in some versions of Node or in all, an error's
 * name, cause and properties, and knows neither AggregateError nor DOMException.
 */
import { isNativeError } from 'node:util/types';
import { serialize } from 'node:v8';

type Kind = 'Error' | 'AggregateError' | 'DOMException';

/** What goes over: errors may be in it wherever a copy may be. */
export type Copy =
  | { value: unknown }
  | { list: Copy[] }
  | { kind: Kind; name: string; bare: Error; properties: Record<string, Copy> };

/** Properties that are not listed, and those that are no others. */
const HIDDEN = ['cause', 'errors'];
const OWN = ['name', 'message', 'stack'];

function isSerializable(value: unknown): boolean {
  try {
    serialize(value);
    return true;
  } catch {
    return false;
  }
}

function isDOMException(value: unknown): value is DOMException {
  return Object.prototype.toString.call(value) === '[object DOMException]';
}

/** Of whichever context: test runners give their tests one of their own. */
function isError(value: unknown): value is Error {
  return isDOMException(value) || isNativeError(value);
}

function kindOf(error: Error): Kind {
  if (isDOMException(error)) return 'DOMException';
  return error.name === 'AggregateError' ? 'AggregateError' : 'Error';
}

/** `serialize()` finds its class by its name. */
function bareOf({ message, name, stack }: Error): Error {
  return Object.assign(new Error(message), { name, stack });
}

/** Not of what is inside of itself. */
function copyWithin(value: unknown, around: readonly unknown[]): Copy | undefined {
  if (around.includes(value)) return undefined;
  const within = [...around, value];
  if (Array.isArray(value) && value.some(isError)) {
    return { list: value.flatMap((each) => copyWithin(each, within) ?? []) };
  }
  if (!isError(value)) return isSerializable(value) ? { value } : undefined;
  return {
    kind: kindOf(value),
    name: value.name,
    bare: bareOf(value),
    properties: propertiesOf(value, within),
  };
}

function propertiesOf(error: Error, within: readonly unknown[]): Record<string, Copy> {
  const listed = Object.keys(error).filter((name) => !OWN.includes(name));
  const names = new Set([...listed, ...HIDDEN.filter((name) => Object.hasOwn(error, name))]);
  const copied = [...names].flatMap((name) => {
    const copy = copyOfProperty(error, name, within);
    return copy === undefined ? [] : [[name, copy] as const];
  });
  return Object.fromEntries(copied);
}

/** What a getter throws belongs to nobody. */
function copyOfProperty(error: Error, name: string, within: readonly unknown[]): Copy | undefined {
  try {
    return copyWithin(Reflect.get(error, name), within);
  } catch {
    return undefined;
  }
}

/** Whatever was thrown; what cannot be copied is an error that says so. */
export function copyOf(thrown: unknown): Copy {
  try {
    return copyWithin(thrown, []) ?? { value: new Error(String(thrown)) };
  } catch (error) {
    return { value: new Error(`What was thrown cannot be copied: ${error}`) };
  }
}

function emptyError(kind: Kind, name: string, bare: Error): Error {
  switch (kind) {
    case 'Error':
      return bare;
    case 'AggregateError':
      return new AggregateError([], bare.message);
    case 'DOMException':
      return new DOMException(bare.message, name);
  }
}

/** The copy that the other process sees. */
export function madeOf(copy: Copy): unknown {
  if ('value' in copy) return copy.value;
  if ('list' in copy) return copy.list.map(madeOf);
  const { kind, name: ownName, bare, properties } = copy;
  const error = emptyError(kind, ownName, bare);
  const define = (name: string, value: unknown, enumerable: boolean) =>
    Object.defineProperty(error, name, { value, configurable: true, writable: true, enumerable });
  define('stack', bare.stack, false);
  if (error.name !== ownName) define('name', ownName, false);
  for (const [name, each] of Object.entries(properties)) define(name, madeOf(each), !HIDDEN.includes(name));
  return error;
}
