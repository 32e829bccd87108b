/**
 * Where the addon cannot be loaded (macOS, Windows), a program cannot be forked: the application runs in this one process, as
 * with `node`, where the settings say, so that the same command and the same files serve a developer's machine.
 */
import { createServer, Server } from 'node:net';
import { hasAddon, whyNoAddon } from '../base/binding';
import { preforkError } from '../base/errors';
import type { Bind, Hooks, Log, Settings } from '../manager/settings';
import { dropPrivileges, findPrivileges } from '../manager/system/privileges';
import { OPTIONS, type SettingName } from './settings/options';
import type { Beginning } from './startup';

/** What counts here, too. */
const EFFECTIVE: readonly SettingName[] = ['bind', 'cwd', 'umask', 'user', 'group', 'title', 'logFormat'];
/** The only one that is called: there is a process that serves, and no other. */
const CALLED: keyof Hooks = 'afterFork';

/** There is one process, which counts as the first worker. */
const FIRST = { id: 0, generation: 0, restarts: 0 };

export const mustRunAlone = !hasAddon;

/** A dry run would say nothing of what a fork finds where there is one. */
export function cannotCheck(): Error {
  return preforkError(
    'ERR_PREFORK_UNSUPPORTED',
    `There is nothing to check where nothing can be forked: ${whyNoAddon}`,
  );
}

/** Everything that has to happen before the application is loaded. */
export function prepareAlone(settings: Settings, given: ReadonlySet<SettingName>, log: Log): void {
  log({ level: 'warning', event: 'runs_alone', message: explain(settings.hooks, given) });
  const { user, group, umask, title } = settings;
  if (umask !== null) process.umask(umask);
  if (process.getuid !== undefined) dropPrivileges(findPrivileges(user, group));
  if (title !== null && given.has('title')) process.title = title;
  process.env['NODE_APP_INSTANCE'] = String(FIRST.id);
  process.env['PREFORK_WORKER'] = String(FIRST.id);
  settings.hooks.afterFork?.({ ...FIRST, pid: process.pid });
}

/** The first `listen` is at the addresses of --bind; it is also the end of what can go wrong before. */
export function listenAlone({ bind }: Settings, beginning: Beginning): void {
  const { listen } = Server.prototype;
  Server.prototype.listen = function first(this: Server, ...parameters: unknown[]): Server {
    Server.prototype.listen = listen;
    beginning.listens();
    beginning.end();
    const [address, ...others] = bind;
    if (address === undefined) return listen.apply(this, parameters as Parameters<typeof listen>);
    for (const other of others) alsoListen(this, other);
    const callback = parameters.at(-1);
    return listen.call(
      this,
      optionsOf(address),
      typeof callback === 'function' ? (callback as () => void) : undefined,
    );
  } as Server['listen'];
}

/** As if they had come to the server itself. */
function alsoListen(server: Server, address: Bind): void {
  const other = createServer((socket) => server.emit('connection', socket));
  other.on('error', (error) => server.emit('error', error));
  server.once('close', () => other.close());
  other.listen(optionsOf(address));
}

function optionsOf(address: Bind): { path: string } | { fd: number } | { port: number; host?: string } {
  if (address.kind === 'unix') return { path: address.path };
  if (address.kind === 'fd') return { fd: address.fd };
  return { port: address.port, ...(address.host === null ? {} : { host: address.host }) };
}

function explain(hooks: Hooks, given: ReadonlySet<SettingName>): string {
  const options = OPTIONS.filter(({ name }) => given.has(name) && !isEffective(name)).map(
    ({ flags }) => /--[\w-]+/.exec(flags)?.[0] ?? flags,
  );
  const uncalled = Object.keys(hooks).filter((name) => name !== CALLED);
  const lost = [...options, ...uncalled.map((name) => `the hook ${name}`)];
  const without = lost.length === 0 ? '' : `. Without effect here: ${lost.join(', ')}`;
  return `The application runs in this one process, without manager and workers: ${whyNoAddon}${without}`;
}

function isEffective(name: SettingName): boolean {
  return EFFECTIVE.includes(name) && (process.getuid !== undefined || (name !== 'user' && name !== 'group'));
}
