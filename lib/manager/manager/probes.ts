/** What applications find that look for a free port: what the manager holds for them is free for them. */
import type { AddressInfo } from 'node:net';
import { tryToBind } from '../listening/bind';
import type { Endpoint } from '../listening/endpoints';
import { overlap, wishFor } from '../listening/overlap';
import type { Bind } from '../settings';
import type { Addresses } from './addresses';
import type { Generation } from './generation';
import { listenError } from './listen-requests';
import { withRightsFor } from './other-rights';
import type { Peer } from './peers';

type TcpBind = Bind & { kind: 'tcp' };
type Found = AddressInfo | Error;

/** A process that looks for another one each time would fill the manager's memory. */
const MOST = 128;

export class Probes {
  /** What was found for port 0, so that all workers find the same, and the next generation, too. */
  readonly chosen = new Map<string, number>();

  readonly #addresses: Addresses;

  constructor(addresses: Addresses) {
    this.#addresses = addresses;
  }

  /** With the address that a server would have that listened there, or why it could not. */
  answer(peer: Peer, generation: Generation, bind: TcpBind): void {
    const find = (wish: TcpBind) =>
      ours(wish, this.#addresses.endpoints) ?? withRightsFor(peer, generation, () => tryToBind(wish));
    const found = bind.port === 0 ? this.#choose(bind, peer, find) : find(bind);
    peer.channel.send(
      found instanceof Error
        ? { type: 'not free', error: listenError(found) }
        : { type: 'free', address: found },
    );
  }

  #choose(bind: TcpBind, { tried }: Peer, find: (wish: TcpBind) => Found): Found {
    const key = JSON.stringify(bind);
    const index = tried.get(key) ?? 0;
    const place = `${index} ${key}`;
    const before = this.chosen.get(place);
    const again = before === undefined ? undefined : find({ ...bind, port: before });
    const found = again === undefined || again instanceof Error ? find(bind) : again;
    if (found instanceof Error || (before === undefined && this.chosen.size >= MOST)) return found;
    this.chosen.set(place, found.port);
    tried.set(key, index + 1);
    return found;
  }
}

function ours(wish: TcpBind, endpoints: readonly Endpoint[]): AddressInfo | undefined {
  const held = endpoints.map(({ address }) => address).filter((address) => typeof address === 'object');
  if (!held.some((address) => overlap(wish, wishFor(address)))) return undefined;
  const { host, port } = wish;
  const address = host ?? '::';
  return { address, port, family: address.includes(':') ? 'IPv6' : 'IPv4' };
}
