/** How the log puts it. */
import type { WorkerExit } from '../settings';

export function describeExit({ code, signal, outOfMemory }: WorkerExit): string {
  if (outOfMemory) return `was killed by the kernel (${signal}): memory had run out`;
  return signal === null ? `exited with status ${code}` : `was killed by ${signal}`;
}

export function seconds(milliseconds: number): string {
  return `${Number((milliseconds / 1000).toFixed(1))} s`;
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
