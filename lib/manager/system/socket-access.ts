/** Which users may connect to a Unix socket: that takes permission to write to its file. */
import type { Bind, PlainSettings } from '../settings';
import { findGroup, findUser, type Privileges } from './privileges';
import type { Access } from './socket-file';

/** As systemd has it (SocketMode= of systemd.socket(5)): proxies run as users of their own. The directory can be stricter. */
const EVERYBODY = 0o666;
const AS_NODE = 0o777;

export interface SocketRules {
  /** null: by where the socket comes from. */
  mode: number | null;
  umask: number;
  uid: number | null;
  gid: number | null;
}

/**
 * The workers' user owns what root binds for them.
 *
 * @throws Error `ERR_PREFORK_INVALID_ARG_VALUE`: there is no such user or group
 */
export function findSocketRules(
  {
    socketMode,
    socketUser,
    socketGroup,
    umask,
  }: Pick<PlainSettings, 'socketMode' | 'socketUser' | 'socketGroup' | 'umask'>,
  { user, gid }: Privileges,
): SocketRules {
  return {
    mode: socketMode,
    umask: umask ?? 0,
    uid: socketUser === null ? (user?.uid ?? null) : findUser(socketUser).uid,
    gid: socketGroup === null ? gid : findGroup(socketGroup),
  };
}

/** An address, with what becomes of the file of a Unix socket. */
export type BindWithAccess =
  | Exclude<Bind, { kind: 'unix' }>
  | (Extract<Bind, { kind: 'unix' }> & { access?: Access });

/** An application that chooses the path itself has Node's own default in mind. */
export function withAccess(bind: Bind, rules: SocketRules, isFromBind: boolean): BindWithAccess {
  if (bind.kind !== 'unix') return bind;
  const usual = isFromBind ? EVERYBODY & ~rules.umask : (bind.mode ?? AS_NODE & ~process.umask());
  const access: Access = { mode: rules.mode ?? usual, uid: rules.uid, gid: rules.gid };
  return { ...bind, access };
}
