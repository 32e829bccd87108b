/** Sockets of one port take turns where bpf(2) lets them, and otherwise the kernel chooses by a hash. */
import { readFileSync } from 'node:fs';
import { release } from 'node:os';

const CAP_NET_ADMIN = 12n;
const CAP_SYS_ADMIN = 21n;
const CAP_BPF = 39n;

function has(capability: bigint): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return ((BigInt(`0x${effective}`) >> capability) & 1n) === 1n;
}

const [major = 0, minor = 0] = release().split('.').map(Number);
const isRecent = major > 5 || (major === 5 && minor >= 12);

export const canTakeTurns = isRecent && (has(CAP_SYS_ADMIN) || (has(CAP_BPF) && has(CAP_NET_ADMIN)));

/** For `RunOptions.under`: a program that may not. */
export const WITHOUT_TURNS = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-bpf,-sys_admin'] : [];
