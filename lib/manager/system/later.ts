/** Errors of a write that may be done later. */
import { constants } from 'node:os';

const { EAGAIN, EMFILE, ENFILE, ENOMEM, ENOBUFS } = constants.errno;
const FOR_NOW = [EAGAIN, EMFILE, ENFILE, ENOMEM, ENOBUFS];

/** The reader is behind, or the system has no descriptor or memory left for the attempt. @param result a negative errno, or none */
export function isForLater(result: number): boolean {
  return FOR_NOW.includes(-result);
}
