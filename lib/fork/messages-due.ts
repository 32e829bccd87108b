/**
 * A read from an IPC channel may bring several messages, and Node queues a tick for each. If one of their listeners forks,
 * the rest is due in both processes; but they were sent once, to the original.
 */

/** A process with a channel: `process`, or a ChildProcess (lib/internal/child_process.js, `target`). */
export interface ChannelOwner {
  channel?: unknown;
  connected?: boolean;
  emit(name: string | symbol, ...parameters: unknown[]): boolean;
}

/** What may come along with a message: a socket or server, or the native handle before it is made one. */
interface Passed {
  _handle?: { close(): void } | null;
  close?(): void;
}

const NODE_CHANNELS = 'node:internal/child_process';

/** The file that called `callee`, whatever the program has made of stack traces. */
function fileCalling(callee: () => unknown): unknown {
  const { prepareStackTrace, stackTraceLimit } = Error;
  const trace: { stack?: unknown } = {};
  try {
    Error.stackTraceLimit = 1;
    Error.prepareStackTrace = (_, [caller]) => caller?.getFileName();
    Error.captureStackTrace(trace, callee);
    return trace.stack;
  } finally {
    Object.assign(Error, { prepareStackTrace, stackTraceLimit });
  }
}

/** The child's copy of the descriptor; the original's stays open. */
function closeCopy(passed: Passed | undefined): void {
  if (passed?._handle) {
    passed._handle.close();
    passed._handle = null;
  } else if (passed?._handle === undefined) {
    passed?.close?.();
  }
}

/** Messages that have come while nobody listened, each with what came along: `[event, message, passed]`. */
function forgetUnheard(channel: object): void {
  const key = Object.getOwnPropertySymbols(channel).find(
    ({ description }) => description === 'kPendingMessages',
  );
  const unheard = key === undefined ? [] : (Reflect.get(channel, key) as [string, unknown, Passed?][]);
  for (const [, , passed] of unheard.splice(0)) closeCopy(passed);
}

function restore(owner: object, name: string, descriptor: PropertyDescriptor | undefined): void {
  if (descriptor === undefined) Reflect.deleteProperty(owner, name);
  else Object.defineProperty(owner, name, descriptor);
}

/**
 * In the child, which has let go of `channel`: no message that is due now reaches a listener. Their ticks were queued
 * before the one that ends this.
 *
 * Until then Node's own code finds the channel where it was: there it notes what nobody listens to, and that it has
 * delivered what it had noted. To all others the owner has none.
 */
export function dropMessagesDue(owner: ChannelOwner, channel: unknown): void {
  if (typeof channel !== 'object' || channel === null) return;
  const own = Object.getOwnPropertyDescriptors(owner) as Partial<Record<string, PropertyDescriptor>>;
  const { emit } = owner;
  const value = (...parameters: Parameters<ChannelOwner['emit']>): boolean => {
    const [name, , passed] = parameters;
    if (name !== 'message' && name !== 'internalMessage') return Reflect.apply(emit, owner, parameters);
    closeCopy(passed as Passed | undefined);
    return true;
  };
  const get = (): unknown => (fileCalling(get) === NODE_CHANNELS ? channel : undefined);
  Object.defineProperty(owner, 'emit', { value, configurable: true, writable: true });
  Object.defineProperty(owner, 'channel', { get, set: () => {}, configurable: true });
  process.nextTick(() => {
    forgetUnheard(channel);
    restore(owner, 'emit', own['emit']);
    restore(owner, 'channel', own['channel']);
  });
}
