/**
 * What a service manager such as systemd tells a service by its environment: the sockets that it has opened for it
 * (sd_listen_fds(3)), and where it wants to hear how the service is (sd_notify(3), sd_watchdog_enabled(3)).
 */
import { binding } from '../../base/binding';
import { preforkError } from '../../base/errors';
import type { Bind, NotifyTarget, Settings } from '../settings';

/** sd-daemon.h: the first descriptor that is handed over. */
const FIRST = 3;

/** No process is handed more. */
const A_COUNT = /^\d{1,5}$/;

const VARIABLES = [
  'LISTEN_PID',
  'LISTEN_FDS',
  'LISTEN_FDNAMES',
  'LISTEN_PIDFDID',
  'NOTIFY_SOCKET',
  'WATCHDOG_PID',
  'WATCHDOG_USEC',
] as const;

export interface ServiceManager {
  /** Sockets that listen, in the order in which they were handed over. */
  sockets: InheritedSocket[];
  notify: NotifyTarget | null;
  /** All descriptors that were handed over, sockets or not. */
  descriptors: number[];
  /** The variables as they were, for another program in this process. */
  told: Record<string, string>;
}

export interface InheritedSocket extends Extract<Bind, { kind: 'fd' }> {
  /** Of `FileDescriptorName=`. */
  name: string;
}

/**
 * Takes it all out of the environment: it is meant for this process, and neither for its children nor for the workers, which
 * would take the descriptors of their own for sockets of systemd's, or tell it that the service is ready.
 */
export function takeFromServiceManager(environment: NodeJS.ProcessEnv): ServiceManager {
  const told = Object.fromEntries(VARIABLES.map((name) => [name, environment[name] ?? '']));
  for (const name of VARIABLES) delete environment[name];
  const descriptors = descriptorsOf(told);
  for (const fd of descriptors) binding.process_close_on_exec(fd);
  return { sockets: socketsOf(told, descriptors), notify: notifyTarget(told), descriptors, told };
}

/**
 * What was asked for wins; without it the sockets that were handed over are the ones to listen on.
 *
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_VALUE`: `bind` names a socket that was not handed over
 */
export function heed({ sockets }: Pick<ServiceManager, 'sockets'>, settings: Settings): Settings {
  const asked = settings.bind.flatMap((bind) => numbered(bind, sockets));
  const binds = asked.length > 0 ? asked : sockets;
  return {
    ...settings,
    bind: binds.map((bind) => (bind.kind === 'fd' ? { kind: 'fd', fd: bind.fd } : bind)),
  };
}

/** Several sockets may have one name. */
function numbered(bind: Bind, sockets: readonly InheritedSocket[]): Bind[] {
  if (bind.kind !== 'fd' || bind.name === undefined) return [bind];
  const found = sockets.filter(({ name }) => name === bind.name);
  if (found.length > 0) return found;
  const known = sockets.map(({ name }) => name).join(', ') || 'there is none';
  throw preforkError(
    'ERR_PREFORK_INVALID_ARG_VALUE',
    `Expected the name of a socket that was handed over (${known}) for bind but received fd:${bind.name}`,
    { Base: TypeError },
  );
}

type Told = Record<string, string>;

function descriptorsOf({ LISTEN_PID = '', LISTEN_FDS = '' }: Told): number[] {
  if (Number(LISTEN_PID) !== process.pid || !A_COUNT.test(LISTEN_FDS)) return [];
  return Array.from({ length: Number(LISTEN_FDS) }, (_, index) => FIRST + index);
}

/** Sockets that do not listen are left to the application, which knows their numbers. */
function socketsOf({ LISTEN_FDNAMES = '' }: Told, descriptors: readonly number[]): InheritedSocket[] {
  const names = LISTEN_FDNAMES.split(':');
  const all = descriptors.map((fd, index) => ({ kind: 'fd' as const, fd, name: names[index] || 'unknown' }));
  return all.filter(({ fd }) => listens(fd));
}

function listens(fd: number): boolean {
  const { SOL_SOCKET, SO_ACCEPTCONN } = binding.socket_constants;
  return binding.socket_getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN) === 1;
}

function notifyTarget({
  NOTIFY_SOCKET = '',
  WATCHDOG_PID = '',
  WATCHDOG_USEC = '',
}: Told): NotifyTarget | null {
  // The other kinds (vsock:) are for virtual machines.
  if (!/^[/@]./.test(NOTIFY_SOCKET)) return null;
  const isMeant = WATCHDOG_PID === '' || Number(WATCHDOG_PID) === process.pid;
  const watchdog = isMeant && Number(WATCHDOG_USEC) > 0 ? Number(WATCHDOG_USEC) / 1000 : null;
  return { socket: NOTIFY_SOCKET.replace(/^@/, '\0'), watchdog };
}
