/** getaddrinfo(3), with errors shaped like those of `dns.lookup`. */
import { domainToASCII } from 'node:url';
import { string } from '../base/arguments';
import { binding, type ResolvedAddress } from '../base/binding';
import { resolverError, systemError } from '../base/errors';

const { AF_UNSPEC, AI_NUMERICHOST, EAI_NONAME } = binding.socket_constants;

function resolverErrorName(eai: number): string {
  const isName = ([name, value]: [string, number]) => name.startsWith('EAI_') && Math.abs(value) === eai;
  return Object.entries(binding.socket_constants).find(isName)?.[0] ?? 'EAI_FAIL';
}

/** Python and Node both let a name outside ASCII through IDNA first. */
function asciiHost(host: string): string {
  return Buffer.byteLength(host) === host.length ? host : domainToASCII(host);
}

/** The addresses that a host and port stand for; it blocks. `null`: those of this machine. */
export function getaddrinfo(
  host: string | null,
  port: number,
  family: number,
  flags: number,
): ResolvedAddress[] {
  const name = host === null ? null : asciiHost(host);
  if (name === '') throw resolverError('EAI_NONAME', host);
  const answer = binding.socket_getaddrinfo(name, String(port), family, flags);
  if (typeof answer !== 'number') return answer;
  if (answer < 0) throw systemError(answer, 'getaddrinfo');
  throw resolverError(resolverErrorName(answer), host);
}

/** IPv4 before IPv6 (AF_INET < AF_INET6), otherwise in the resolver's order, each address once. */
export function inOrder(addresses: ResolvedAddress[]): ResolvedAddress[] {
  const unique = new Map(
    addresses.map((each) => [`${each.family} ${each.protocol} ${each.address} ${each.port}`, each]),
  );
  return [...unique.values()].sort((one, other) => one.family - other.family);
}

/**
 * Whether `ip` is a well-formed IPv4 or IPv6 address (`tornado.netutil.is_valid_ip`), by the opinion of
 * getaddrinfo(3), which also takes the short forms of inet_aton(3) and a scope: `127.1`, `fe80::1%lo`.
 */
export function isValidIp(ip: string | null | undefined): boolean {
  if (ip === null || ip === undefined || string('ip', ip) === '' || ip.includes('\0')) return false;
  const host = asciiHost(ip);
  if (host === '') return false;
  const answer = binding.socket_getaddrinfo(host, '0', AF_UNSPEC, AI_NUMERICHOST);
  if (typeof answer !== 'number') return answer.length > 0;
  if (answer === Math.abs(EAI_NONAME)) return false;
  if (answer < 0) throw systemError(answer, 'getaddrinfo');
  throw resolverError(resolverErrorName(answer), ip);
}
