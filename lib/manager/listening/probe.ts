/**
 * A probe: a server that listens only to see whether a port is free, and is closed as soon as it does (get-port, portfinder,
 * detect-port). It is not the service, for which workers are forked and addresses are held.
 *
 * It is known by this: a plain net.Server, with a listener for errors, that would do nothing with a connection. It is told that
 * it listens, and does not. One that is still open then, or gets a listener, was no probe, and listens in earnest.
 */
import { type AddressInfo, Server as PlainServer, type Server } from 'node:net';
import { seemToListen } from '../../sockets/server-handle';
import type { Bind } from '../settings';
import type { Call } from './call';
import { overlap, type Wish, wishFor } from './overlap';

type TcpBind = Bind & { kind: 'tcp' };

/** The address that a server would get, or the error; undefined: `listen` is to say why. */
export type TryPort = (bind: TcpBind) => AddressInfo | Error | undefined;

const COMMENTS = /\/\*[\s\S]*?\*\/|\/\/.*$/gm;
const DOES_NOTHING =
  /^(?:async\s+)?(?:function\s*[\w$]*\s*\([^(){}]*\)|\([^(){}]*\)\s*=>|[\w$]+\s*=>)\s*\{\s*\}$/;

/** Servers to which it has been said that they listen. */
const told = new WeakSet<Server>();

/** Calls of `listen` that were in earnest, as long as their servers are open. */
const earnest = new Set<Call>();

/** Whether a server that is about to listen has heard already that it does. */
export function seemedToListen(server: Server): boolean {
  return told.has(server);
}

/** From now on what this server listens on is taken. */
export function noteListening(call: Call): void {
  if (call.bind?.kind !== 'tcp') return;
  earnest.add(call);
  call.server.once('close', () => earnest.delete(call));
}

/** True if the call is a probe until the opposite is known: then `take` gets it. */
export function probe(call: Call, tryPort: TryPort, take: (call: Call) => void): boolean {
  const { server, bind, isExclusive } = call;
  if (bind?.kind !== 'tcp' || isExclusive || !mayBeProbe(server) || isTaken(bind)) return false;
  const address = tryPort(bind);
  if (address === undefined) return false;
  if (address instanceof Error) {
    process.nextTick(() => server.emit('error', address));
    return true;
  }
  let isDecided = false;
  const becomeEarnest = () => {
    if (isDecided) return;
    isDecided = true;
    stop();
    if (server.listening) take({ ...call, bind: { ...bind, port: address.port } });
  };
  const listenerAdded = (event: string | symbol, listener: () => void) => {
    if (event === 'connection' && doesSomething(listener)) becomeEarnest();
  };
  // After all who listen for it, and what they have begun.
  const listens = () => {
    told.add(server);
    process.nextTick(() => process.nextTick(becomeEarnest));
  };
  const stop = () => server.off('newListener', listenerAdded);
  seemToListen(server, address);
  server.once('listening', listens);
  server.on('newListener', listenerAdded);
  server.once('close', () => {
    stop();
    told.delete(server);
  });
  return true;
}

/** By a server of this process, which alone could have closed it. */
function isTaken(bind: Wish): boolean {
  return [...earnest].some((call) => overlap(bind, wishOf(call)));
}

function wishOf({ server, bind }: Call): Wish {
  const address = server.address();
  return address === null || typeof address === 'string' ? (bind as TcpBind) : wishFor(address);
}

function mayBeProbe(server: Server): boolean {
  const isPlain = Object.getPrototypeOf(server) === PlainServer.prototype;
  return isPlain && server.listenerCount('error') > 0 && !server.listeners('connection').some(doesSomething);
}

/** portfinder's has a listener that is empty but for a comment. */
function doesSomething(listener: unknown): boolean {
  return !DOES_NOTHING.test(Function.prototype.toString.call(listener).replaceAll(COMMENTS, ''));
}
