/** `prefork check`: the application runs up to its first listen; a report takes the place of the fork. */
import { relative } from 'node:path';
import { print } from '../base/blocking-write';
import type { ActiveThing } from '../fork/active';
import { describeFork, type ForkDescription, formatForkDescription } from '../fork/describe';
import { traceOpenings } from '../fork/openings';
import { autoWorkers } from '../manager';
import { formatBind, tryToBind } from '../manager/listening/bind';
import type { Call } from '../manager/listening/call';
import { interceptListen } from '../manager/listening/intercept';
import { plural } from '../manager/policy/words';
import type { Bind, Settings } from '../manager/settings';
import { IdleConnections } from '../manager/template/idle-connections';
import { explainUnsharable, isBusy, unsharable } from '../manager/template/refusals';
import { settled } from './load';
import type { Beginning } from './startup';

/**
 * From now on the first `listen` of any server prints the report to standard output and ends the process: with status
 * 0, or with 1 if workers cannot be forked from the application, even where `--preload auto` runs it all the same.
 */
export function reportAtFirstListen(
  path: string,
  settings: Settings,
  beginning: Beginning,
  verbose: boolean,
): void {
  traceOpenings();
  idleConnections.watch();
  const started = performance.now();
  const take = ({ bind }: Call): boolean => {
    const seconds = (performance.now() - started) / 1000;
    const listensOn = formatBind(bind as Bind);
    const application = { name: relative(process.cwd(), path), listensOn, seconds };
    beginning.listens();
    // As the template does: what is under way is awaited before the fork.
    if (isBusy()) void settled().then(() => end(application, settings, beginning, verbose));
    else end(application, settings, beginning, verbose);
    return true;
  };
  interceptListen(take, tryToBind);
}

/** Noted from the start of the application. */
const idleConnections = new IdleConnections();

/** What is known of it once it listens. */
interface Application {
  name: string;
  listensOn: string;
  /** From its start to its first listen. */
  seconds: number;
}

function end(application: Application, settings: Settings, beginning: Beginning, verbose: boolean): void {
  beginning.end();
  // Nothing is forked after it was loaded, so that no hook is called and nothing can be in the way.
  if (settings.preload === 'no') {
    print(`${loadedByEach(application, settings)}\n`);
    process.exit(0);
  }
  const report = (reasons: string[]): void => {
    const description = describeFork();
    const paragraphs = [
      verdict(application, settings, reasons),
      ...reasons.slice(1),
      summary(application, description, verbose),
      ...(verbose ? [formatForkDescription(description)] : []),
    ];
    print(`${paragraphs.join('\n\n')}\n`);
    process.exit(reasons.length > 0 ? 1 : 0);
  };
  const judge = (): void | Promise<void> => {
    idleConnections.close();
    if (unsharable().length === 0) return report([]);
    return idleConnections.settle(() => unsharable().length > 0).then(() => report(whyRefused(settings)));
  };
  const failed = (error: unknown) =>
    report(['its hook beforeFork throws', String(error instanceof Error ? error.stack : error)]);
  try {
    const later = settings.hooks.beforeFork?.();
    // Only then: the application is not to go on meanwhile.
    if (later === undefined) void judge();
    else later.then(judge, failed);
  } catch (error) {
    failed(error);
  }
}

/** In a few words, then what to change; empty if nothing keeps the application from being forked. */
function whyRefused({ preload }: Settings): string[] {
  const open = unsharable();
  if (open.length === 0) return [];
  const instead =
    'Until then each worker loads the application by itself (--preload auto), and shares no memory.';
  return [`it has ${countOf(open)}`, explainUnsharable(open), ...(preload === 'auto' ? [instead] : [])];
}

function countOf(open: ActiveThing[]): string {
  const sockets = open.filter(({ kind }) => kind === 'socket').length;
  const helpers = open.length - sockets;
  const connections = sockets === 0 ? [] : [plural(sockets, 'open connection')];
  const processes = helpers === 0 ? [] : [`${helpers} helper process${helpers === 1 ? '' : 'es'}`];
  return [...connections, ...processes].join(' and ');
}

function verdict({ name, listensOn }: Application, { workers, bind }: Settings, reasons: string[]): string {
  if (reasons.length > 0) return `${name} cannot be forked: ${reasons[0]}.`;
  return `${name} can be forked: ${wouldListen({ listensOn }, { workers, bind })}. Nothing has to change.`;
}

function loadedByEach({ name, listensOn, seconds }: Application, settings: Settings): string {
  return (
    `${name} is loaded by each worker (--preload no): ${wouldListen({ listensOn }, settings)}.\n\n` +
    `It listens on ${listensOn} ${seconds.toFixed(1)} s after its start.`
  );
}

function wouldListen(
  { listensOn }: Pick<Application, 'listensOn'>,
  { workers, bind }: Pick<Settings, 'workers' | 'bind'>,
): string {
  const count = plural(workers === 'auto' ? autoWorkers() : workers, 'worker');
  const where =
    bind.length === 0 ? listensOn : `${bind.map(formatBind).join(', ')} (instead of ${listensOn})`;
  return `${count} would listen on ${where}`;
}

/** Without --verbose a sentence, and where the rest is; with it what every worker gets, as numbers. */
function summary({ listensOn, seconds }: Application, fork: ForkDescription, verbose: boolean): string {
  const listens = `Its first listen(), for ${listensOn}, came after ${seconds.toFixed(1)} s.`;
  if (!verbose) return `${listens}\nAdd --verbose to list descriptors, threads and shared memory.`;
  const shared = fork.descriptors.filter(({ fate }) => fate === 'shared').length;
  return (
    `${listens}\nEach worker would share ${plural(shared, 'descriptor')} with the others, have ` +
    `${fork.descriptors.length - shared} of its own and run ${plural(fork.timers, 'timer')} that the application has set.`
  );
}
