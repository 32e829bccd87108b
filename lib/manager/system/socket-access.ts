/** Which users may connect to a Unix socket: that takes permission to write to its file. */
import type { Wish } from '../listening/bind';
import type { PlainSettings } from '../settings';
import { findGroup, findUser, type Privileges } from '../worker/privileges';
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

/** The wish, with what becomes of its file. An application that chooses the path itself has Node's own default in mind. */
export function withAccess(wish: Wish, rules: SocketRules, isFromBind: boolean): Wish {
  if (wish.kind !== 'unix') return wish;
  const usual = isFromBind ? EVERYBODY & ~rules.umask : (wish.mode ?? AS_NODE & ~process.umask());
  const access: Access = { mode: rules.mode ?? usual, uid: rules.uid, gid: rules.gid };
  return { ...wish, access };
}
