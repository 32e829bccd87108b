import type { Reading } from '../policy';
import type { Peer } from './peers';

/** What workers have written about themselves, by pid: from memory that all of them can write to. */
export function readingsOf(workers: readonly Peer[]): Map<number, Reading> {
  const readings = new Map<number, Reading>();
  for (const { pid, row } of workers) {
    if (row === null) continue;
    const [beat, requests, privateMemory] = [row.get('beat'), row.get('requests'), row.get('privateMemory')];
    readings.set(pid, { beat, requests, privateMemory });
  }
  return readings;
}
