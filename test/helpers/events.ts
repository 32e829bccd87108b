/** What a manager tells by `--log-format json`: one event a line. */
import type { Program } from './run';

export function events(running: Program) {
  /** The messages of all events of that name, so far. */
  const heard = (event: string): string[] =>
    [...running.stderr.matchAll(/^\{.*\}$/gm)]
      .map(([line]) => JSON.parse(line))
      .filter((entry) => entry.event === event)
      .map((entry): string => entry.message);
  /** The message of the `times`th event of that name, once there is one. */
  const until = async (event: string, times = 1): Promise<string> => {
    await running.until(new RegExp(`"event":"${event}"`), times);
    return heard(event)[times - 1] ?? '';
  };
  return { heard, until };
}
