/**
 * With SIGHUP the kernel says that a terminal has been closed, and native/posix/supervise.cc takes that for SIGTERM. A shell
 * passes it on to its jobs with kill(2), just as an operator asks for a reload.
 */
import { constants } from 'node:os';
import { isatty } from 'node:tty';

const { SIGHUP, SIGTERM } = constants.signals;

const STANDARD_STREAMS = [0, 1, 2];

/** Watches the terminal that this process has now. `nohup` and shells that redirect all three streams leave it none. */
export class TerminalWatch {
  readonly hadOne: boolean;

  /** @param hadOne whether there was one at the start, if that was in an earlier program of this process */
  constructor(hadOne = hasTerminal()) {
    this.hadOne = hadOne;
  }

  /** @param arrived signals, a bit for each */
  isClosedBy(arrived: number): boolean {
    const isHangUp = (arrived & ((1 << SIGHUP) | (1 << SIGTERM))) !== 0;
    return isHangUp && this.hadOne && !hasTerminal();
  }
}

/** SIGTERM in the place of SIGHUP. */
export function asEnd(arrived: number): number {
  return (arrived & ~(1 << SIGHUP)) | (1 << SIGTERM);
}

function hasTerminal(): boolean {
  return STANDARD_STREAMS.some((fd) => isatty(fd));
}
