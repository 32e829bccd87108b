/**
 * What there is to be one of, however many copies of this package a program has loaded: npm installs a second one wherever two
 * dependencies ask for versions that do not go together, and the command `prefork` may come from a third place.
 *
 * It hangs on the global object: each worker thread has its own, as it has its own hooks and waits, and so has a sandbox such as Jest's, whose test files
 * are not to hear of each other.
 */

/** Changes whenever something that is kept here gets another form: then two copies cannot use each other's. */
const FORM = 1;
const KEY = Symbol.for('prefork');

interface Common {
  form: number;
  /** Where the first copy lies. */
  from: string;
  things: Map<string, unknown>;
}

function isCommon(value: unknown): value is Common {
  return typeof value === 'object' && value !== null && 'form' in value && 'from' in value;
}

function warnOfAnotherForm(other: Common): void {
  process.emitWarning(
    `Two versions of prefork that do not know each other are loaded, from ${other.from} and from ${__dirname}: ` +
      'hooks, sockets and settings of one are not known to the other',
    'PreforkWarning',
  );
}

function findCommon(): Common {
  const found: unknown = Reflect.get(globalThis, KEY);
  if (isCommon(found) && found.form === FORM) return found;
  const own: Common = { form: FORM, from: __dirname, things: new Map() };
  if (isCommon(found)) warnOfAnotherForm(found);
  else Object.defineProperty(globalThis, KEY, { value: own });
  return own;
}

const common = findCommon();

/** The one of this name; `make` is called for the first copy of the package that asks. */
export function onePerProcess<T>(name: string, make: () => T): T {
  if (!common.things.has(name)) common.things.set(name, make());
  return common.things.get(name) as T;
}
