import { type AddressInfo, isIP } from 'node:net';

/** An address of TCP or UDP as it is asked for; without a host both families. */
export interface Wish {
  host: string | null;
  port: number;
  ipv6Only?: boolean | undefined;
}

/** Whether the kernel takes two addresses for one, so that the second cannot be bound. */
export function overlap(one: Wish, other: Wish): boolean {
  if (one.port !== other.port) return false;
  const families = familiesOf(other);
  if (!familiesOf(one).some((family) => families.includes(family))) return false;
  return isAny(one) || isAny(other) || one.host === other.host;
}

/** The wish that would end in this address. */
export function wishFor({ address, port }: AddressInfo): Wish {
  return { host: address, port };
}

function isAny({ host }: Wish): boolean {
  return host === null || host === '::' || host === '0.0.0.0';
}

function familiesOf({ host, ipv6Only = false }: Wish): number[] {
  if (host === null || (host === '::' && !ipv6Only)) return [4, 6];
  return [isIP(host)];
}
