/** A debugger's view of this thread, by an inspector session of our own; nothing listens on any port. */
import type { Session } from 'node:inspector';

/** Asks; what V8 itself answers (the Runtime domain) is answered at once. */
export type Ask = <T>(method: string, parameters?: object) => T;

function asker(session: Session): Ask {
  return <T>(method: string, parameters: object = {}): T => {
    let answer: { error: Error | null; value: T } | undefined;
    session.post(method, parameters, (error: Error | null, result?: unknown) => {
      answer = { error, value: result as T }; // what is thrown here, Node makes a warning of
    });
    if (answer === undefined) throw new Error(`${method} did not answer at once`);
    if (answer.error !== null) throw answer.error;
    return answer.value;
  };
}

/**
 * For who closes it again, by `session.disconnect()`.
 * @throws Error in a build of Node without inspector
 */
export function openSession(): { ask: Ask; session: Session } {
  const { Session: InspectorSession } = require('node:inspector') as typeof import('node:inspector');
  const session = new InspectorSession();
  session.connect();
  return { ask: asker(session), session };
}

/**
 * Calls `look` with a session that ends with it.
 * @throws Error in a build of Node without inspector, and where Node is another than we know
 */
export function withSession<T>(look: (ask: Ask, session: Session) => T): T {
  const { ask, session } = openSession();
  try {
    return look(ask, session);
  } finally {
    session.disconnect();
  }
}
