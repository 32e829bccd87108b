/** Some applications get ready only when they listen, and answer nothing before (Next). In a rehearsal they are told early. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { isIPv6 } from 'node:net';
import { monotonic, setInterval } from '../../base/timers';
import type { Call } from '../listening/call';
import { StandIn } from '../listening/stand-in';

/** Milliseconds. */
const LOOK_INTERVAL = 50;
const SILENCE = 1000;

const BEGUN = 'http.server.request.start';
const ANSWERED = 'http.server.response.finish';

/**
 * Calls `silent`, once, when a request has not been answered for a second, and all is over that the application has begun
 * since. What it still waits for comes from elsewhere.
 *
 * @returns ends the watch
 */
export function watchForSilence(silent: () => void): () => void {
  let unanswered = 0;
  let before = '';
  let since = 0;
  const begun = () => {
    if (unanswered === 0) before = underWay();
    unanswered += 1;
    since = monotonic();
  };
  const answered = () => {
    unanswered -= 1;
  };
  const look = () => {
    if (unanswered === 0 || underWay() !== before) since = monotonic();
    if (monotonic() - since < SILENCE) return;
    end();
    silent();
  };
  const timer = setInterval(look, LOOK_INTERVAL).unref();
  subscribe(BEGUN, begun);
  subscribe(ANSWERED, answered);
  function end(): void {
    timer.close();
    unsubscribe(BEGUN, begun);
    unsubscribe(ANSWERED, answered);
  }
  return end;
}

/** Requests, handles and timers that keep the process alive. */
function underWay(): string {
  return process.getActiveResourcesInfo().sort().join();
}

/** The server of `call` listens as far as it knows, and its listeners have heard of it; workers do not tell them again. */
export function tellListening(call: Call): void {
  const { server } = call;
  Object.assign(server, { _handle: new StandIn(addressOf(call), true) });
  call.told = server.rawListeners('listening') as (() => void)[];
  server.emit('listening');
}

/** Workers have it listen in earnest. */
export function takeBack({ server }: Call): void {
  const { _handle: handle } = server as unknown as { _handle: unknown };
  if (handle instanceof StandIn) Object.assign(server, { _handle: null });
}

/** A port that the system is to choose is not known yet. */
function addressOf({ bind }: Call): object | undefined {
  if (bind?.kind !== 'tcp') return undefined;
  const address = bind.host ?? '::';
  return { address, family: isIPv6(address) ? 'IPv6' : 'IPv4', port: bind.port };
}
