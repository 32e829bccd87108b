import { isatty, WriteStream } from 'node:tty';

/**
 * Whether standard error is a terminal that shows colours (tornado.log._stderr_supports_color).
 * Asked without `process.stderr`, whose first use would open a handle on the loop.
 */
export function stderrSupportsColor(): boolean {
  return isatty(2) && WriteStream.prototype.getColorDepth.call(WriteStream.prototype, process.env) > 1;
}
