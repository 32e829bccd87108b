import { readFileSync } from 'node:fs';
import { bindSockets } from '../../lib/netutil';

/** From among these the kernel chooses for clients and for port 0: what is free is soon somebody else's. */
const [LOWEST = 0, HIGHEST = 0] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
  .split('\t')
  .map(Number);
const [BEGIN, TOP] = LOWEST > 20_000 ? [10_000, LOWEST] : [HIGHEST + 1, 65_536];

/**
 * Test files that run at the same time have other ones each, by vitest's number of the process: what is free may be somebody's
 * who has not bound it yet.
 */
const FILES_AT_A_TIME = 8;
const { VITEST_POOL_ID = '0' } = process.env as { VITEST_POOL_ID?: string };
const WIDTH = Math.floor((TOP - BEGIN) / FILES_AT_A_TIME);
const FIRST = BEGIN + (Number(VITEST_POOL_ID) % FILES_AT_A_TIME) * WIDTH;
const END = FIRST + WIDTH;

/** Test runs that go on at the same time begin at different places. */
let next = FIRST + ((process.pid * 16) % WIDTH);

function isFree(port: number): boolean {
  try {
    for (const socket of bindSockets(port)) socket.close();
    return true;
  } catch {
    return false;
  }
}

/**
 * The first of `count` ports that nobody has, on any address, and that stay free until a program binds them by number:
 * nobody is given them by chance.
 */
export function freePort(count = 1): number {
  for (;;) {
    const first = next;
    next = first + count < END ? first + count : FIRST;
    const ports = Array.from({ length: count }, (_, index) => first + index);
    if (ports.every((port) => port < END && isFree(port))) return first;
  }
}

/** Those that only root may bind, and that well-known services do not use. */
const [FIRST_PRIVILEGED, END_PRIVILEGED] = [640, 1000];
let nextPrivileged = FIRST_PRIVILEGED + ((process.pid * 4) % (END_PRIVILEGED - FIRST_PRIVILEGED));

/** One that nobody has, on any address. */
export function freePrivilegedPort(): number {
  for (;;) {
    const port = nextPrivileged;
    nextPrivileged = port + 1 < END_PRIVILEGED ? port + 1 : FIRST_PRIVILEGED;
    if (isFree(port)) return port;
  }
}
