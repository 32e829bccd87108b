/** `prefork check`: the application up to its first listen, and in place of the fork a report on what it would be. */
import { Server } from 'node:net';
import { relative } from 'node:path';
import { writeAll } from '../base/blocking-write';
import { describeFork, formatForkDescription } from '../fork/describe';
import { traceOpenings } from '../fork/openings';
import { autoWorkers } from '../manager';
import { callInParent } from '../manager/parent/hooks';
import { explainUnsharable, isBusy, unsharable } from '../manager/parent/refusals';
import type { Settings } from '../manager/settings';
import { settled } from './load';
import { formatBind } from './settings/values';
import type { Beginning } from './startup';

/**
 * From now on the first `listen` of any server prints the report to standard output and ends the process: with status
 * 0, or with 1 if the fork would be refused.
 */
export function reportAtFirstListen(path: string, settings: Settings, beginning: Beginning): void {
  traceOpenings();
  const started = performance.now();
  Server.prototype.listen = function listen(this: Server, ...parameters: unknown[]): Server {
    const seconds = (performance.now() - started) / 1000;
    const where = `${relative(process.cwd(), path)} listens on ${listenedOn(parameters)} ${seconds.toFixed(1)} s after its start.`;
    beginning.listens();
    // As the manager does: what is under way is awaited before the fork.
    if (isBusy()) void settled().then(() => end(where, settings, beginning));
    else end(where, settings, beginning);
    return this;
  } as Server['listen'];
}

function end(where: string, settings: Settings, beginning: Beginning): never {
  beginning.end();
  try {
    callInParent('beforeFork', () => settings.hooks.beforeFork?.(), beginning.log);
  } catch (error) {
    writeAll(1, `${where}\n\nThe hook beforeFork threw: ${error instanceof Error ? error.stack : error}\n`);
    process.exit(1);
  }
  const refused = unsharable();
  const verdict =
    refused.length > 0 ? explainUnsharable(refused) : 'Nothing is open that would keep it from being forked.';
  const paragraphs = [where, plan(settings), verdict, formatForkDescription(describeFork())];
  writeAll(1, `${paragraphs.join('\n\n')}\n`);
  process.exit(refused.length > 0 ? 1 : 0);
}

function plan({ workers, bind }: Settings): string {
  const count = workers === 'auto' ? autoWorkers() : workers;
  const why = workers === 'auto' ? ' (the processors that this process may use)' : '';
  const where = bind.length === 0 ? 'there' : `on ${bind.map(formatBind).join(', ')} instead`;
  return `prefork would fork ${count} worker${count === 1 ? '' : 's'}${why} and let them listen ${where}.`;
}

/** The forms of server.listen(), as Node's documentation lists them. */
function listenedOn([first, second]: readonly unknown[]): string {
  if (typeof first === 'object' && first !== null) {
    const { path, fd, port, host } = first as { path?: string; fd?: number; port?: number; host?: string };
    if (path !== undefined) return formatBind({ kind: 'unix', path });
    if (fd !== undefined) return formatBind({ kind: 'fd', fd });
    return formatBind({ kind: 'tcp', host: host ?? null, port: Number(port ?? 0) });
  }
  if (typeof first === 'string' && !/^\d+$/.test(first)) return formatBind({ kind: 'unix', path: first });
  const host = typeof second === 'string' ? second : null;
  return formatBind({ kind: 'tcp', host, port: Number(first ?? 0) || 0 });
}
