/**
 * What node:dns asks by itself: `resolve()` and the like. When one question is asked c-ares looks after all of its channel's, those
 * of the program, too: they would be asked twice, and the program called back. So a quiet child asks by a channel of its own.
 */
import { hasNodeLoaded } from '../base/loaded-builtins';

/** Node's, which stands in `_handle` of a Resolver (lib/internal/dns/utils.js). */
type Channel = Record<string, (...parameters: unknown[]) => unknown>;

function dnsIfLoaded(): typeof import('node:dns') | undefined {
  return hasNodeLoaded('dns') ? require('node:dns') : undefined;
}

function channelOf(resolver: object): Channel {
  return Reflect.get(resolver, '_handle') as Channel;
}

/** What all channels have in common: known to the parent, so that no child makes one to see it. */
let common: Channel | undefined;

/** In the parent, before the fork. */
export function findChannels(): void {
  const dns = common === undefined ? dnsIfLoaded() : undefined;
  if (dns !== undefined) common = Object.getPrototypeOf(channelOf(new dns.Resolver())) as Channel;
}

/** That of the functions of node:dns, which no property leads to, with its servers. */
function defaultChannel(
  of: Channel,
  dns: typeof import('node:dns'),
): { channel?: Channel; servers: string[] } {
  const { getServers } = of;
  let channel: Channel | undefined;
  of['getServers'] = function (this: Channel) {
    channel = this;
    return getServers?.call(this);
  };
  try {
    const servers = dns.getServers();
    return channel === undefined ? { servers } : { channel, servers };
  } finally {
    if (getServers !== undefined) of['getServers'] = getServers;
  }
}

/** In the child. Functions that somebody has put aside ask by it, too. The new one is made when it is needed. */
export function leaveChannel(): void {
  const dns = common === undefined ? undefined : dnsIfLoaded();
  if (common === undefined || dns === undefined) return;
  const { channel, servers } = defaultChannel(common, dns);
  if (channel === undefined) return;
  let own: Channel | undefined;
  const ownChannel = () => {
    if (own !== undefined) return own;
    const resolver = new dns.Resolver();
    resolver.setServers(servers);
    own = channelOf(resolver);
    return own;
  };
  for (const name of Object.getOwnPropertyNames(common)) {
    if (name === 'constructor') continue;
    channel[name] = (...parameters) => ownChannel()[name]?.(...parameters);
  }
}
