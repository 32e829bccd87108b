/** How many connections wait to be accepted. */
import { closeSync, openSync, readlinkSync, readSync } from 'node:fs';
import { SocketAddress } from 'node:net';
import { binding } from '../../base/binding';
import type { Shown } from './form';

/** proc_pid_net(5); those that listen stand first. */
const FILES = [
  ['tcp', 'ipv4'],
  ['tcp6', 'ipv6'],
] as const;
const LISTENS = '0A';

/**
 * By address, as the manager shows them: `127.0.0.1:8080`, `[::]:8080`, `unix:/run/shop.sock`. Of Unix sockets only where this
 * process is in the same network namespace, for the kernel tells nobody else.
 *
 * @param pid of a process that is where the manager is
 */
export function queueLengths(
  { addresses, unixSockets }: Pick<Shown, 'addresses' | 'unixSockets'>,
  pid = process.pid,
): Map<string, number> {
  const lengths = new Map<string, number>();
  for (const [file, family] of FILES) {
    for (const { address, length } of listening(`/proc/${pid}/net/${file}`, family)) {
      // Balanced: several sockets have one address.
      if (addresses.includes(address)) lengths.set(address, (lengths.get(address) ?? 0) + length);
    }
  }
  if (!isNetworkOf(pid)) return lengths;
  for (const [address, inode] of Object.entries(unixSockets)) {
    const length = binding.socket_unix_queue_length(inode);
    if (length >= 0) lengths.set(address, length);
  }
  return lengths;
}

function isNetworkOf(pid: number): boolean {
  const network = (of: number) => readlinkSync(`/proc/${of}/ns/net`);
  try {
    return pid === process.pid || network(pid) === network(process.pid);
  } catch {
    return false; // it has ended, or is another user's
  }
}

function* listening(file: string, family: 'ipv4' | 'ipv6') {
  for (const line of linesOf(file)) {
    const [, local = '', , state, queues = ''] = line.trim().split(/\s+/);
    if (local === 'local_address') continue;
    if (state !== LISTENS) return;
    const length = Number.parseInt(queues.split(':')[1] ?? '', 16);
    yield { address: addressOf(local, family), length: Number.isNaN(length) ? 0 : length };
  }
}

/** Piece by piece: what is beyond those that listen may be long, and is of no interest. */
function* linesOf(file: string): Generator<string> {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    return; // without IPv6, for example
  }
  try {
    const piece = Buffer.alloc(4096);
    let rest = '';
    for (let size = readSync(fd, piece); size > 0; size = readSync(fd, piece)) {
      const lines = (rest + piece.toString('latin1', 0, size)).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } finally {
    closeSync(fd);
  }
}

/** Of words as the processor has them, which is the lowest byte first wherever this package runs. */
function addressOf(local: string, family: 'ipv4' | 'ipv6'): string {
  const [words = '', port = ''] = local.split(':');
  const bytes = (words.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).reverse());
  const text =
    family === 'ipv4'
      ? bytes.map((byte) => Number.parseInt(byte, 16)).join('.')
      : bytes.join('').replace(/.{4}(?=.)/g, '$&:');
  const { address } = new SocketAddress({ address: text, family });
  return `${family === 'ipv4' ? address : `[${address}]`}:${Number.parseInt(port, 16)}`;
}
