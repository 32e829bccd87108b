import { binding } from '../base/binding';
import { check } from '../base/errors';

/** Both ends are shared with children that are forked later. Of sockets, since who reads or writes those need not block. */
export function openPipe(): [reader: number, writer: number] {
  const ends = new Int32Array(2);
  check(binding.process_socketpair(ends), 'socketpair');
  return [ends[0] as number, ends[1] as number];
}
