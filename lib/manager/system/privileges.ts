import { readFileSync } from 'node:fs';
import { preforkError } from '../../base/errors';

interface Account {
  name: string | null;
  uid: number;
  gid: number | null;
}

/** Missing in @types/node. */
interface CredentialCalls extends NodeJS.Process {
  initgroups(user: string, extraGroup: number): void;
}

export interface Privileges {
  user: Account | null;
  gid: number | null;
}

function lines(file: string): string[][] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
}

function unknown(what: 'user' | 'group', name: string | number): Error {
  return preforkError('ERR_PREFORK_INVALID_ARG_VALUE', `Unknown ${what} '${name}'`);
}

export function findUser(user: string | number): Account {
  const found = lines('/etc/passwd').find(([name, , uid]) => name === user || uid === String(user));
  if (found !== undefined) return { name: found[0] ?? null, uid: Number(found[2]), gid: Number(found[3]) };
  if (/^\d+$/.test(String(user))) return { name: null, uid: Number(user), gid: null };
  throw unknown('user', user);
}

export function findGroup(group: string | number): number {
  const found = lines('/etc/group').find(([name, , gid]) => name === group || gid === String(group));
  if (found !== undefined) return Number(found[2]);
  if (/^\d+$/.test(String(group))) return Number(group);
  throw unknown('group', group);
}

/**
 * Looks the names up, and checks that this process may change to them, before anything is forked.
 *
 * @throws Error `ERR_PREFORK_INVALID_ARG_VALUE`: there is no such user or group, nobody knows which group the user is in,
 *   or this process is not root
 */
export function findPrivileges(user: string | number | null, group: string | number | null): Privileges {
  const account = user === null ? null : findUser(user);
  const gid = group === null ? (account?.gid ?? null) : findGroup(group);
  const changes =
    (account !== null && account.uid !== process.getuid?.()) || (gid !== null && gid !== process.getgid?.());
  if (changes && process.geteuid?.() !== 0) {
    throw preforkError(
      'ERR_PREFORK_INVALID_ARG_VALUE',
      'Only root can run workers as another user or group: start as root, or without --user and --group',
    );
  }
  if (account !== null && gid === null && process.geteuid?.() === 0) {
    throw preforkError(
      'ERR_PREFORK_INVALID_ARG_VALUE',
      `--user ${account.uid} needs --group: /etc/passwd does not know that user, so its workers would keep root's group`,
    );
  }
  return { user: account, gid };
}

/** There is no way back. The group first: afterwards there is no right to change it. */
export function dropPrivileges({ user, gid }: Privileges): void {
  if (process.geteuid?.() === 0 && (user !== null || gid !== null)) {
    if (user?.name && gid !== null) (process as CredentialCalls).initgroups(user.name, gid);
    else process.setgroups?.(gid === null ? [] : [gid]);
  }
  if (gid !== null) process.setgid?.(gid);
  if (user !== null) process.setuid?.(user.uid);
}
