/** The time from the start of the application to its first listen: what can go wrong in it, and what to do then. */
import cluster from 'node:cluster';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { syncBuiltinESMExports } from 'node:module';
import { relative } from 'node:path';
import { preforkError } from '../base/errors';
import { activeThings, formatActive } from '../fork/active';
import type { Log, Settings } from '../manager/settings';
import { typeScriptHint } from './typescript';

export interface Beginning {
  /** An error that is logged here needs no other explanation. */
  log: Log;
  /** The application has begun to listen; what keeps it from being forked, the manager explains. */
  listens(): void;
  /** Nothing that happens from now on is to be explained. */
  end(): void;
  /** From now on `node:cluster` starts no workers, and says why. */
  refuseCluster(): void;
  /** Whether workers have been forked; true in them, too. */
  over(): boolean;
  /** The application exports something that could be served. */
  exports(kind: string): void;
}

/** From now on, until the first fork, an end of this process is explained, and never has status 0. */
export function watchBeginning(path: string, { bootTimeout }: Settings, log: Log): Beginning {
  const name = relative(process.cwd(), path);
  let over = false;
  let exported: string | undefined;
  let cause: unknown;
  let explained = false;

  const remember = (error: unknown) => {
    cause = error;
  };
  const ranEmpty = () => {
    giveUp(`${name} came to its end without listening: no worker was started. ${whatToDo(exported)}`);
  };
  const late = () => {
    giveUp(
      `${name} has not listened within ${bootTimeout / 1000} s: no worker was started. ${whatToDo(exported)} ` +
        `If it needs longer, raise --boot-timeout. It waits for: ${waitingFor()}`,
    );
  };
  const explain = (status: number) => {
    const hint = hintFor(cause, path);
    const message = `${name} ended with status ${status} before it listened: no worker was started.`;
    if (!explained) log({ level: 'error', event: 'start_failed', message: `${message} ${hint}`.trimEnd() });
    if (status === 0) process.exitCode = 1;
  };
  const timer = setTimeout(late, bootTimeout).unref();

  function giveUp(message: string): never {
    end();
    log({ level: 'error', event: 'start_failed', message });
    process.exit(1);
  }

  function end(): void {
    over = true;
    clearTimeout(timer);
    process.off('uncaughtExceptionMonitor', remember);
    process.off('beforeExit', ranEmpty);
    process.off('exit', explain);
    unsubscribe('prefork:fork', end);
  }

  process.on('uncaughtExceptionMonitor', remember);
  process.on('beforeExit', ranEmpty);
  process.on('exit', explain);
  subscribe('prefork:fork', end);
  return {
    log(entry) {
      explained ||= entry.level === 'error';
      log(entry);
    },
    listens: () => clearTimeout(timer),
    end,
    refuseCluster: () => refuseCluster(name),
    over: () => over,
    exports: (kind) => {
      exported = kind;
    },
  };
}

function whatToDo(exported: string | undefined): string {
  if (exported === undefined) {
    return (
      'Workers are forked at the first server.listen(). ' +
      'A file that does not listen can export an http.Server, a request listener or an app, and be served with --bind :8888.'
    );
  }
  return `It exports a ${exported}: say where to serve that with --bind :8888.`;
}

function waitingFor(): string {
  const things = activeThings().map(formatActive);
  const timers = process.getActiveResourcesInfo().filter((name) => /^(Timeout|Immediate)$/.test(name)).length;
  return [...things, ...(timers > 0 ? [`${timers} timers`] : [])].join(', ') || 'nothing that Node knows of';
}

function hintFor(error: unknown, path: string): string {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  if (code === 'EADDRINUSE') {
    return 'The address is in use: `ss -ltnp` shows by whom. End that process, or listen elsewhere with --bind.';
  }
  if (code === 'EACCES' && (error as NodeJS.ErrnoException).syscall === 'bind') {
    return 'Ports below 1024 are for root: start it as root with --user, or listen on another with --bind.';
  }
  if (code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND') {
    return 'A module that it imports is missing: is everything installed, and its path right?';
  }
  const hint = typeScriptHint(path);
  return hint === undefined ? '' : `${hint}.`;
}

/** It would fork its own processes out of the one that is to be forked, and each of them would again. */
function refuseCluster(name: string): void {
  const refuse = (): never => {
    throw preforkError(
      'ERR_PREFORK_UNSUPPORTED',
      `${name} starts its own workers with node:cluster, and under prefork that is prefork's part. ` +
        'Leave out cluster.fork() and what belongs to it, keep what a worker does, and give the number with --workers; ' +
        'or run it with node, without prefork.',
    );
  };
  Object.assign(cluster, { fork: refuse, setupPrimary: refuse, setupMaster: refuse });
  syncBuiltinESMExports();
}
