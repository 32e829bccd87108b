/** For an application with fewer rights than the manager: the manager acts with no more than those. */
import type { PlainSettings } from '../settings';
import { findPrivileges } from '../system/privileges';
import { findSocketRules, type SocketRules } from '../system/socket-access';
import { type Generation, settingsOf } from './generation';
import type { Peer } from './peers';

/** Whether workers run as another user or group. */
export function hasOtherRights({ user, group }: PlainSettings): boolean {
  return user !== null || group !== null;
}

/** Which users may connect to a Unix socket. One made with the application's own rights already belongs to it. */
export function socketRules(settings: PlainSettings, isMadeAsManager: boolean): SocketRules {
  const privileges = findPrivileges(settings.user, settings.group);
  const rules = findSocketRules(settings, privileges);
  return isMadeAsManager || !hasOtherRights(settings) ? rules : { ...rules, uid: null, gid: null };
}

/**
 * Whether a process may name addresses that take rights which its application lacks: while its generation starts, when no
 * client can have told it what to ask for.
 */
export function isStarting({ role, asked }: Peer, { isProven }: Generation): boolean {
  return role === 'template' || asked.size === 0 || !isProven;
}

/** Calls `make` with the manager's rights for a process that is starting; for any other with the workers'. */
export function withRightsFor<T>(peer: Peer, generation: Generation, make: () => T): T {
  return isStarting(peer, generation) ? make() : asUserOf(settingsOf(generation), make);
}

/** Calls `make` as the workers' user and group: what it creates is theirs, and only where they may. */
export function asUserOf<T>(settings: PlainSettings, make: () => T): T {
  if (!hasOtherRights(settings) || process.geteuid?.() !== 0) return make();
  const { user, gid } = findPrivileges(settings.user, settings.group);
  const before = {
    uid: process.geteuid(),
    gid: process.getegid?.() ?? 0,
    groups: process.getgroups?.() ?? [],
  };
  try {
    process.setgroups?.(gid === null ? [] : [gid]);
    process.setegid?.(gid ?? before.gid);
    process.seteuid?.(user?.uid ?? before.uid);
    return make();
  } finally {
    process.seteuid?.(before.uid);
    process.setegid?.(before.gid);
    process.setgroups?.(before.groups);
  }
}
