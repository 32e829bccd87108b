/** From the start of the application to its first listen: explains what goes wrong, and what to do then. */
import cluster from 'node:cluster';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { syncBuiltinESMExports } from 'node:module';
import { relative } from 'node:path';
import { hasAddon } from '../base/binding';
import { preforkError } from '../base/errors';
import { clearTimeout, setTimeout } from '../base/timers';
import { typeScriptHint } from '../base/typescript';
import { activeThings, formatActive } from '../fork/active';
import { FORK_PROCESSES } from '../fork/channels';
import { plural } from '../manager/policy/words';
import type { Log, Settings } from '../manager/settings';

export interface Beginning {
  /** An error logged here needs no further explanation. */
  log: Log;
  /** The application has begun to listen; from here the template explains what prevents the fork. */
  listens(): void;
  /** Explain nothing from now on. */
  end(): void;
  /** From now on `node:cluster` throws an error that says why. */
  refuseCluster(): void;
  /** Whether workers have been forked; true in workers, too. */
  over(): boolean;
  /** The application exports something servable. */
  exports(kind: string): void;
}

/** Until `end`, explains why this process ends; then its status is never 0. */
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
    giveUp(`${name} ended without listening, so no worker was started. ${whatToDo(exported)}`);
  };
  const late = () => {
    giveUp(
      `${name} did not listen within ${bootTimeout / 1000} s, so no worker was started. ${whatToDo(exported)} ` +
        `If it needs longer, raise --boot-timeout. It waits for: ${waitingFor()}`,
    );
  };
  const explain = (status: number) => {
    const hint = hintFor(cause, path);
    const message = `${name} ended with status ${status} before it listened, so no worker was started.`;
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
    unsubscribe(FORK_PROCESSES, forksItself);
    process.off('uncaughtExceptionMonitor', remember);
    process.off('beforeExit', ranEmpty);
    process.off('exit', explain);
  }

  const forksItself = () => {
    giveUp(
      `${name} starts its own workers with forkProcesses(), but under prefork only prefork starts workers. Remove the ` +
        'call, and set the number with --workers; or run it with node, without prefork.',
    );
  };
  subscribe(FORK_PROCESSES, forksItself);
  process.on('uncaughtExceptionMonitor', remember);
  process.on('beforeExit', ranEmpty);
  process.on('exit', explain);
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
      'If the file does not listen, export an http.Server, a request listener or an app, and add --bind :8888.'
    );
  }
  return `It exports ${article(exported)} ${exported}: add --bind :8888 to serve it.`;
}

function article(noun: string): string {
  return /^[AEIOU]/i.test(noun) ? 'an' : 'a';
}

function waitingFor(): string {
  const things = hasAddon ? activeThings().map(formatActive) : [];
  const timers = process.getActiveResourcesInfo().filter((name) => /^(Timeout|Immediate)$/.test(name)).length;
  return (
    [...things, ...(timers > 0 ? [plural(timers, 'timer')] : [])].join(', ') || 'nothing that Node can see'
  );
}

function hintFor(error: unknown, path: string): string {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  if (code === 'EADDRINUSE') {
    return 'The address is in use; `ss -ltnp` shows by which process. End that process, or listen elsewhere with --bind.';
  }
  if (code === 'EACCES' && (error as NodeJS.ErrnoException).syscall === 'bind') {
    return 'Only root may use this port: start as root with --user, or choose a port above 1023 with --bind.';
  }
  if (code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND') {
    return 'A module that it imports is missing: run npm install, or correct the path.';
  }
  const hint = typeScriptHint(path);
  return hint === undefined ? '' : `${hint}.`;
}

/** Two managers would fork each other's workers. */
function refuseCluster(name: string): void {
  const refuse = (): never => {
    throw preforkError(
      'ERR_PREFORK_UNSUPPORTED',
      `${name} starts its own workers with node:cluster, but under prefork only prefork starts workers. ` +
        "Remove cluster.fork() and the primary's code, keep the worker's, and set the number with --workers; " +
        'or run it with node, without prefork.',
    );
  };
  Object.assign(cluster, { fork: refuse, setupPrimary: refuse, setupMaster: refuse });
  syncBuiltinESMExports();
}
