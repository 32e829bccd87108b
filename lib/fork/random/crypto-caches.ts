/**
 * The random bytes that node:crypto has drawn in advance: 1,024 numbers for `randomInt`, 128 ids for `randomUUID`
 * (lib/internal/crypto/random.js). After a fork, parent and child would both hand them out.
 *
 * They are variables of Node's own module, which nothing exports; but a debugger sees the variables that a function
 * closes over, and so does an inspector session of our own. Where there is no inspector the caches are emptied by
 * drawing as much as they can hold, which takes milliseconds in each child instead of microseconds.
 */
import { randomInt, randomUUID } from 'node:crypto';
import { binding } from '../../base/binding';
import { type Ask, withSession } from './inspector-session';

/** The variables' names in all versions from Node 20 to 26. */
const NAMES = ['randomCache', 'uuidData'] as const;

const UUIDS_CACHED = 128;
const INTEGERS_CACHED = 1024;
const POWER_OF_TWO = 2 ** 47; // a range for which randomInt never draws twice

interface Property {
  name: string;
  value?: { objectId?: string; description?: string };
}
interface Properties {
  result: Property[];
  internalProperties?: Property[];
}

/** Where this code and an expression of the session, which may run in another context, can both reach. */
const EXCHANGE = Symbol.for('prefork.exchange');
const REACH_EXCHANGE = "process[Symbol.for('prefork.exchange')]";
interface Exchange {
  closure: unknown;
  found: Map<string, Uint8Array>;
}

function propertiesOf(ask: Ask, objectId: string): Properties {
  return ask<Properties>('Runtime.getProperties', { objectId, ownProperties: true });
}

/** The variables that `EXCHANGE.closure` closes over, its own module's first, without the global ones. */
function closureVariables(ask: Ask): Property[] {
  const { result } = ask<{ result: { objectId: string } }>('Runtime.evaluate', {
    expression: `${REACH_EXCHANGE}.closure`,
  });
  const scopes = propertiesOf(ask, result.objectId).internalProperties?.find(
    ({ name }) => name === '[[Scopes]]',
  );
  return propertiesOf(ask, scopes?.value?.objectId ?? '').result.flatMap(({ name, value }) =>
    !/^\d+$/.test(name) || value?.objectId === undefined || value.description === 'Global'
      ? []
      : propertiesOf(ask, value.objectId).result,
  );
}

function takeVariable(ask: Ask, { name, value }: Property): void {
  ask('Runtime.callFunctionOn', {
    objectId: value?.objectId,
    functionDeclaration: `function () { ${REACH_EXCHANGE}.found.set('${name}', this); }`,
  });
}

function takeCaches(ask: Ask, closures: unknown[]): (Uint8Array | undefined)[] {
  const exchange: Exchange = { closure: undefined, found: new Map() };
  const realProcess = binding.wait_real_process();
  Reflect.set(realProcess, EXCHANGE, exchange);
  try {
    for (const closure of closures) {
      exchange.closure = closure;
      const wanted = closureVariables(ask).filter(({ name }) => NAMES.some((each) => each === name));
      for (const variable of wanted) takeVariable(ask, variable);
    }
  } finally {
    Reflect.deleteProperty(realProcess, EXCHANGE);
  }
  return NAMES.map((name) => exchange.found.get(name));
}

/** Both caches; undefined where they cannot be had. */
function findCaches(): Uint8Array[] | undefined {
  randomUUID(); // the cache of ids is made at the first
  try {
    const [integers, ids] = withSession((ask) => takeCaches(ask, [randomInt, randomUUID]));
    return integers === undefined || ids === undefined ? undefined : [integers, ids];
  } catch {
    return undefined; // no inspector in this build, or another Node than we know: they are drained
  }
}

/** Node's own arrays, which a fork copies with all memory: what is known of them holds in a child. */
let caches: Uint8Array[] | undefined;
let searched = false;

/** Searched for once, in the parent and not in every child. None where they cannot be had. */
export function cryptoCaches(): Uint8Array[] {
  if (!searched) caches = findCaches();
  searched = true;
  return caches ?? [];
}

function drain(): void {
  for (let i = 0; i < UUIDS_CACHED; i++) randomUUID();
  for (let i = 0; i < INTEGERS_CACHED; i++) randomInt(POWER_OF_TWO);
}

/** In the child: what was drawn in advance is replaced by bits of the kernel's. */
export function renewCryptoCaches(known: Uint8Array[]): void {
  if (known.length === 0) drain();
  else for (const cache of known) binding.random_fill(cache);
}
