/** The variables that functions of Node's close over: nothing exports them, but a debugger sees them. */
import { binding } from '../../base/binding';
import { type Ask, withSession } from './inspector-session';

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
  taken: unknown[];
}

function propertiesOf(ask: Ask, objectId: string): Properties {
  return ask<Properties>('Runtime.getProperties', { objectId, ownProperties: true });
}

/** Those of `EXCHANGE.closure`, its own module's first, without the global ones. */
function variablesOfClosure(ask: Ask): Property[] {
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

/** All at once: each question costs a tenth of a millisecond. */
function takeVariables(ask: Ask, variables: Property[]): void {
  ask('Runtime.callFunctionOn', {
    objectId: variables[0]?.value?.objectId,
    functionDeclaration: `function (...values) { ${REACH_EXCHANGE}.taken = values; }`,
    arguments: variables.map(({ value }) => ({ objectId: value?.objectId })),
  });
}

/**
 * Objects by the names of the variables that hold them, as far as they can be had. The closures are looked at one after the other
 * until all are found.
 * @throws Error in a build of Node without inspector, and where Node is another than we know
 */
export function closureVariables(
  closures: readonly unknown[],
  names: readonly string[],
): Map<string, unknown> {
  const found = new Map<string, unknown>();
  const exchange: Exchange = { closure: undefined, taken: [] };
  const realProcess = binding.wait_real_process();
  Reflect.set(realProcess, EXCHANGE, exchange);
  try {
    withSession((ask) => {
      for (const closure of closures) {
        if (found.size === names.length) return;
        exchange.closure = closure;
        const wanted = variablesOfClosure(ask).filter(
          ({ name, value }) => names.includes(name) && value?.objectId !== undefined,
        );
        if (wanted.length === 0) continue;
        takeVariables(ask, wanted);
        for (const [i, { name }] of wanted.entries()) found.set(name, exchange.taken[i]);
      }
    });
  } finally {
    Reflect.deleteProperty(realProcess, EXCHANGE);
  }
  return found;
}
