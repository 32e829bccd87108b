/** Which users may connect to the Unix sockets of a server. */
import { chmodSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DEFAULTS, type Settings } from '../../../lib/manager/settings';
import { findPrivileges } from '../../../lib/manager/system/privileges';
import { findSocketRules, withAccess } from '../../../lib/manager/system/socket-access';
import { asNobody, isRoot, NOBODY, sharedFolder } from '../../helpers/nobody';
import { serve } from '../../helpers/served';

const SERVER = "require('node:http').createServer((_, answer) => answer.end('served')).listen(0);";
const LISTENS_AT = `${SERVER.replace('listen(0)', 'listen(process.env.AT)')}`;
const WITHOUT_TYPE = 0o7777;

function accessOf(settings: Partial<Settings>, isFromBind: boolean, mode?: number): unknown {
  const all = { ...DEFAULTS, ...settings };
  const rules = findSocketRules(all, findPrivileges(all.user, all.group));
  const wish = { kind: 'unix' as const, path: '/x', ...(mode === undefined ? {} : { mode }) };
  return Reflect.get(withAccess(wish, rules, isFromBind), 'access');
}

/** What another user is told there. */
async function nobodyAsks(path: string): Promise<string> {
  const ask = `
    require('node:http').get({ socketPath: args[0] }, (answer) => answer.on('data', (data) => console.log(String(data))))
      .on('error', (error) => console.log(error.code));`;
  return asNobody(ask, path).line();
}

test('Everybody may connect to a socket of --bind, unless --umask or --socket-mode say otherwise.', () => {
  const nobodys = { uid: null, gid: null };
  expect(accessOf({}, true)).toEqual({ mode: 0o666, ...nobodys });
  expect(accessOf({ umask: 0o27 }, true)).toEqual({ mode: 0o640, ...nobodys });
  expect(accessOf({ umask: 0o77, socketMode: 0o660 }, true)).toEqual({ mode: 0o660, ...nobodys });
});

test('A socket that the application asks for has the mode that Node gives it, unless --socket-mode says otherwise.', () => {
  const umask = process.umask();
  expect(accessOf({}, false)).toMatchObject({ mode: 0o777 & ~umask });
  expect(accessOf({}, false, 0o733)).toMatchObject({ mode: 0o733 });
  expect(accessOf({ socketMode: 0o600 }, false, 0o733)).toMatchObject({ mode: 0o600 });
});

test('An unknown owner is refused, by name.', () => {
  expect(() => accessOf({ socketUser: 'no such user' }, true)).toThrow(/no such user/);
  expect(() => accessOf({ socketGroup: 'no such group' }, true)).toThrow(/no such group/);
});

describe.skipIf(!isRoot)('As root', () => {
  test('with --user the socket is that of the workers, and every other user may connect.', async () => {
    const { folder } = sharedFolder();
    const path = join(folder, 'socket');
    const args = ['server.js', '-w', '1', '--user', 'nobody', '--load-as-root', '--bind', `unix:${path}`];
    const served = await serve(args, { files: { 'server.js': SERVER } });
    const { uid, gid, mode } = statSync(path);
    expect({ uid, gid, mode: mode & WITHOUT_TYPE }).toEqual({ uid: NOBODY, gid: NOBODY, mode: 0o666 });
    expect(await nobodyAsks(path)).toBe('served');
    expect(await served.stop()).toBe('status 0');
  });

  test('--socket-mode, --socket-user and --socket-group decide, also where the application chooses the path.', async () => {
    const { folder } = sharedFolder();
    const path = join(folder, 'socket');
    const options = ['--socket-mode', '620', '--socket-user', 'root', '--socket-group', 'nogroup'];
    const files = { 'server.js': LISTENS_AT };
    const served = await serve(['server.js', '-w', '1', '--user', 'nobody', '--load-as-root', ...options], {
      files,
      env: { AT: path },
    });
    const { uid, gid, mode } = statSync(path);
    expect({ uid, gid, mode: mode & WITHOUT_TYPE }).toEqual({ uid: 0, gid: NOBODY, mode: 0o620 });
    expect(await nobodyAsks(path)).toBe('served');
    chmodSync(path, 0o600);
    expect(await nobodyAsks(path)).toBe('EACCES');
    expect(await served.stop()).toBe('status 0');
  });
});
