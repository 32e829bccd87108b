/** Answers templates and workers that ask for an address. */
import type { Answer, ListenError, NotBound } from '../channel/messages';
import { formatBind } from '../listening/bind';
import { Endpoint, type Queues } from '../listening/endpoints';
import { explainBind } from '../listening/explain';
import { rulesOf } from '../rules';
import type { Bind, Log, PlainSettings } from '../settings';
import { withAccess } from '../system/socket-access';
import { type Addresses, about, socketsFor } from './addresses';
import type { Announcements } from './announcements';
import { type Generation, settingsOf } from './generation';
import { inheritedSockets } from './inherited-sockets';
import { asUserOf, hasOtherRights, isStarting, socketRules } from './other-rights';
import { noteAlsoAsked, type Peer } from './peers';

/** Of addresses that could not be bound: one that asks for another each time fills neither memory nor log. */
const MOST_REFUSED = 128;

export class ListenRequests {
  readonly #addresses: Addresses;
  readonly #announcements: Announcements;
  readonly #log: Log;
  /** Sockets inherited from the process that started this one. */
  readonly inherited: ReadonlySet<number>;
  /** What could not be bound, and has been logged. */
  readonly #refused = new Set<string>();

  constructor(
    addresses: Addresses,
    announcements: Announcements,
    log: Log,
    inherited: ReadonlySet<number> = inheritedSockets(),
  ) {
    this.inherited = inherited;
    this.#addresses = addresses;
    this.#announcements = announcements;
    this.#log = log;
  }

  answer(peer: Peer, generation: Generation, bind: Bind): void {
    const { settings } = generation;
    if (settings === null) return;
    const isFirst = peer.asked.size === 0;
    const isChosen = isFirst && settings.bind.length > 0;
    const binds = isChosen ? settings.bind : [bind];
    const endpoints: Endpoint[] = [];
    for (const each of binds) {
      const [endpoint, answer] = this.#endpoint(peer, generation, each, { isFirst, isChosen });
      if (endpoint === undefined) {
        peer.channel.send(answer);
        return;
      }
      endpoints.push(endpoint);
    }
    if (peer.worker === null) {
      generation.endpoints.push(...endpoints);
      peer.channel.send({ type: 'bound', sockets: endpoints.map(about) });
    } else {
      this.#announcements.announce(endpoints, settings);
      peer.channel.send(
        { type: 'bound', sockets: endpoints.map(about) },
        socketsFor(endpoints, peer.worker.id),
      );
    }
  }

  #endpoint(
    peer: Peer,
    generation: Generation,
    bind: Bind,
    { isFirst, isChosen }: { isFirst: boolean; isChosen: boolean },
  ): [Endpoint] | [undefined, Answer] {
    const settings = settingsOf(generation);
    const found = this.#addresses.find(bind, generation.number, peer.asked);
    if (found !== undefined) return [found];
    if (!isChosen && !this.#mayBind(peer, generation, bind)) {
      noteAlsoAsked(peer, formatBind(bind));
      return [undefined, { type: 'refused' }];
    }
    const isTrusted = isChosen || (settings.loadAsRoot && peer.role === 'template');
    const queues = isFirst ? queuesOf(settings) : null;
    const wish = withAccess(bind, socketRules(settings, isTrusted), isChosen);
    const make = () =>
      this.#addresses.bind(bind, generation.number, peer.asked, () => new Endpoint(wish, queues));
    try {
      // A path that the application names is made with the application's rights.
      const endpoint = isTrusted || bind.kind !== 'unix' ? make() : asUserOf(settings, make);
      if (settings.sticky !== null && !endpoint.isSticky) this.#warnOfStrangers(endpoint, isFirst);
      return [endpoint];
    } catch (error) {
      const answer: NotBound = {
        type: 'not bound',
        bind,
        error: listenError(error as NodeJS.ErrnoException),
      };
      if (peer.worker !== null) this.#sayOnce(answer);
      return [undefined, answer];
    }
  }

  /** What a worker asks for once its generation serves must not need rights that the application lacks. */
  #mayBind(peer: Peer, generation: Generation, bind: Bind): boolean {
    if (bind.kind === 'fd') return this.inherited.has(bind.fd);
    return !hasOtherRights(settingsOf(generation)) || isStarting(peer, generation);
  }

  #warnOfStrangers({ bind: { kind }, name }: Endpoint, isFirst: boolean): void {
    const why = {
      tcp: isFirst
        ? 'this kernel does not choose by address'
        : 'only the first listen() has a queue for each worker',
      unix: 'a Unix socket has one queue, and its clients have no address',
      fd: 'a socket that was handed over has one queue for all workers',
    }[kind];
    this.#log({
      level: 'warning',
      event: 'sticky_without_effect',
      message: `--sticky has no effect on ${name}: ${why}. Any worker takes its connections`,
    });
  }

  /** Once for all workers, which meet the same error. */
  #sayOnce({ bind, error }: NotBound): void {
    const key = JSON.stringify(bind);
    if (this.#refused.has(key) || this.#refused.size >= MOST_REFUSED) return;
    this.#refused.add(key);
    this.#log({ level: 'error', event: 'listen_failed', message: explainBind(bind, error) });
  }
}

function queuesOf(settings: PlainSettings): Queues | null {
  const { balanced, sticky } = settings;
  if (!balanced && sticky === null) return null;
  return { count: rulesOf(settings).workers, by: sticky === null ? 'turns' : 'address' };
}

export function listenError({
  message,
  code = 'UNKNOWN',
  errno,
  syscall,
  ...rest
}: NodeJS.ErrnoException): ListenError {
  const { address, port } = rest as { address?: string; port?: number };
  return { message, code, errno, syscall, address, port };
}
