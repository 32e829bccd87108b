/**
 * A bell for each worker that wants one: a datagram socket with a name in the abstract namespace, which others of its service ring
 * after they have left something where it looks. Everybody on this machine can ring it. So a ring says only: look.
 */
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { binding } from '../base/binding';
import { check, systemError } from '../base/errors';
import { onePerProcess } from '../base/one-per-process';
import { registerAtFork } from '../fork/at-fork';
import { linesWithBells, Row } from './scoreboard';

const { ECONNREFUSED } = constants.errno;

/** Rings that are taken in one turn of the loop: no more than a queue holds by default (net.unix.max_dgram_qlen). */
const MOST_IN_A_TURN = 16;
const NAME_BYTES = 16;

const state = onePerProcess('bells', () => ({
  /** Copied by each fork: all processes of a service have the same. Empty: no manager runs. */
  service: '',
  /** Of this worker: who looks when its bell is rung. Undefined: it has none. */
  listeners: undefined as Set<() => void> | undefined,
}));

/** For the manager, before it forks anything: what the names of all bells begin with, which nobody else can know beforehand. */
export function nameBells(name: string = randomName()): string {
  state.service = name;
  return name;
}

function randomName(): string {
  const bytes = new Uint8Array(NAME_BYTES);
  binding.random_fill(bytes);
  return Buffer.from(bytes).toString('hex');
}

function nameOf(row: Row, pid: number): string {
  return `\0prefork-${state.service}-${row.index}-${pid}`;
}

/** False: that worker has none. One that has not looked since the last rings need not be told again. */
export function ring(row: Row): boolean {
  return binding.output_send_datagram(nameOf(row, row.get('pid')), '!') !== -ECONNREFUSED;
}

/** Those whose workers may have one. */
export function rowsWithBells(): Row[] {
  const rows = Array.from({ length: linesWithBells() }, (_, index) => new Row(index));
  return rows.filter((row) => row.isTaken && row.get('pid') !== 0);
}

/**
 * For a worker: calls `rung` in the loop after each ring of its bell. Keeps nothing alive. A child that the worker forks has no part
 * in it.
 */
export function onRing(row: Row, rung: () => void): void {
  if (state.listeners === undefined) begin(row);
  state.listeners?.add(rung);
}

function begin(row: Row): void {
  state.listeners = new Set();
  row.letOthersRing();
  let close = () => {};
  try {
    close = openBell(row);
  } catch {
    // No descriptor is left: it looks at each beat.
  }
  const forget = registerAtFork({
    afterInChild: () => {
      forget();
      state.listeners = undefined;
      close();
    },
  });
}

/** At each beat, too: who has rung may have had no descriptor left to do it with. */
export function lookWithoutRing(): void {
  for (const look of state.listeners ?? []) look();
}

/** The function that is returned closes it. */
function openBell(row: Row): () => void {
  const fd = check(binding.socket_open_datagram(binding.socket_constants.AF_UNIX), 'socket');
  try {
    check(binding.socket_bind_unix(fd, nameOf(row, binding.process_getpid())), 'bind');
    const listening = binding.readiness_start(fd, false, () => {
      silence(fd);
      lookWithoutRing();
    });
    if (typeof listening === 'number') throw systemError(listening, 'epoll_ctl');
    binding.readiness_keep_alive(listening, false);
    return () => {
      binding.readiness_stop(listening);
      closeSync(fd);
    };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

const room = new Uint8Array(1);
const noDescriptors = new Int32Array(0);
const received = new Int32Array(2);

function silence(fd: number): void {
  for (let i = 0; i < MOST_IN_A_TURN; i++) {
    if (binding.fds_receive(fd, room, noDescriptors, 0, received) < 0) return;
  }
}
