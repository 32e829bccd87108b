/** Connections that are being made: a client has asked for one, and its last word on it is still to come. */
import { readFileSync } from 'node:fs';
import { binding } from '../../base/binding';

/** `TCP_SYN_RECV` (include/net/tcp_states.h). A connection leaves that state when it is in the listener's queue. */
const BEING_MADE = '03';
const { AF_INET, AF_INET6 } = binding.socket_constants;
/** Of those of one port. Under a flood there may be more, which nobody waits for. */
const numbers = new BigUint64Array(4096);

const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];

/** The ports of TCP sockets; others have no handshake. */
export function portsOf(descriptors: readonly number[]): Set<number> {
  const names = descriptors.map((fd) => binding.socket_getsockname(fd));
  return new Set(names.flatMap((name) => (typeof name === 'number' || name.port === 0 ? [] : name.port)));
}

/** Those to one of these ports of this machine, each by a name of its own. Not in the thread pool: clients wait for this. */
export function handshakes(ports: ReadonlySet<number>): Set<string> {
  return new Set([...ports].flatMap((port) => listed(port) ?? inTables(port)));
}

/** As the kernel lists them when it is asked; undefined where nobody may ask it, or it knows no such question. */
function listed(port: number): string[] | undefined {
  const found: string[] = [];
  for (const family of [AF_INET, AF_INET6]) {
    const count = binding.socket_handshakes(family, port, numbers);
    if (count < 0) return undefined;
    found.push(...Array.from(numbers.subarray(0, count), String));
  }
  return found;
}

/** In a text of all connections of this machine, which takes long where there are many. */
function inTables(port: number): string[] {
  return TABLES.flatMap((table) => beingMade(contentOf(table), port));
}

/** Empty if there is none (no IPv6), or no descriptor is left to read it by: then nobody is waited for. */
function contentOf(table: string): string {
  try {
    return readFileSync(table, 'latin1');
  } catch {
    return '';
  }
}

/** Lines of `sl local_address rem_address st …` (proc_net_tcp in the kernel's documentation). */
function beingMade(table: string, wanted: number): string[] {
  return table.split('\n').flatMap((line) => {
    const [, local = '', remote, state] = line.trim().split(/ +/, 4);
    const port = Number.parseInt(local.slice(local.indexOf(':') + 1), 16);
    return state === BEING_MADE && port === wanted ? `${local} ${remote}` : [];
  });
}
