/** What becomes of the file of a Unix socket that others have plans for. */
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Access, UnixListeningSocket } from '../../../lib/manager/system/socket-file';
import { get, Managed } from '../../helpers/manager';
import { asNobody, doneByNobody, isRoot, NOBODY, sharedFolder } from '../../helpers/nobody';
import { run } from '../../helpers/run';

const OPEN: Access = { mode: 0o666, uid: null, gid: null };
const IN_USE = { code: 'EADDRINUSE', syscall: 'listen' };

function bind(path: string, access = OPEN): UnixListeningSocket {
  const socket = UnixListeningSocket.listen(path, access, 5);
  onTestFinished(() => socket.close());
  return socket;
}

async function serverAt(path: string): Promise<Server> {
  const server = createServer((connection) => connection.destroy());
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(() => void server.close());
  return server;
}

/** Which manager the worker belongs to that answers there. */
async function parentBehind(socketPath: string): Promise<number> {
  return (JSON.parse(await get({ socketPath }, '/process')) as { ppid: number }).ppid;
}

function modeOf(path: string): number {
  return statSync(path).mode & 0o7777;
}

test('The file has its mode whatever the umask is, and goes when it is told to.', () => {
  const { folder } = sharedFolder();
  const path = join(folder, 'socket');
  const before = process.umask(0o77);
  onTestFinished(() => void process.umask(before));
  const socket = bind(path, { ...OPEN, mode: 0o640 });
  expect(modeOf(path)).toBe(0o640);
  expect(socket.address()).toBe(path);
  socket.removeFile();
  expect(existsSync(path)).toBe(false);
});

test('A socket that nobody listens on goes, by a link, too; a file that is none stays.', async () => {
  const { folder } = sharedFolder();
  const path = join(folder, 'socket');
  bind(path).close();
  symlinkSync('socket', join(folder, 'link'));
  writeFileSync(join(folder, 'file'), 'of somebody');
  bind(path).close();
  bind(join(folder, 'link')).close();
  expect(statSync(join(folder, 'link')).isSocket()).toBe(true);
  expect(() => bind(join(folder, 'file'))).toThrow(/exists and is not a socket/);
});

test('A socket that somebody listens on is never taken, whichever name it is reached by.', async () => {
  const { folder } = sharedFolder();
  mkdirSync(join(folder, 'real'));
  symlinkSync('real', join(folder, 'linked'));
  const path = join(folder, 'real', 'socket');
  await serverAt(path);
  symlinkSync('socket', join(folder, 'real', 'link'));
  linkSync(path, join(folder, 'second name'));
  renameSync(path, join(folder, 'moved'));
  linkSync(join(folder, 'moved'), path);
  const { ino } = statSync(path);
  for (const name of ['real/socket', 'linked/socket', 'real/link', 'second name', 'moved', 'linked/link']) {
    expect(() => bind(join(folder, name)), name).toThrow(expect.objectContaining(IN_USE));
  }
  expect(statSync(path).ino).toBe(ino);
});

test('A name in the abstract namespace that pretends to be a line of /proc/net/unix keeps nobody from a path.', async () => {
  const { folder } = sharedFolder();
  const path = join(folder, 'socket');
  bind(path).close();
  bind(`\0x\n0: 2 0 00010000 1 1 9 ${path}`);
  expect(bind(path).address()).toBe(path);
});

test('An abstract name is taken once, and has no file.', () => {
  const name = `\0prefork test ${process.pid}`;
  const socket = bind(name);
  expect(() => bind(name)).toThrow(expect.objectContaining(IN_USE));
  socket.removeFile();
});

test('The end of one instance leaves the socket of the next alone, whether that came meanwhile or before.', async () => {
  const { folder } = sharedFolder();
  const path = join(folder, 'socket');
  const settings = { workers: 1, bind: [{ kind: 'unix' as const, path }] };
  const old = await new Managed('server.js', settings).started();
  // Somebody makes room for the next one while the old one serves.
  renameSync(path, `${path}.old`);
  const next = await new Managed('server.js', settings).started();
  expect((await old.stop()).status).toBe(0);
  expect(await parentBehind(path)).toBe(next.program.pid);

  // The ending one is still busy: its file has gone, and its socket still listens.
  const pending = request({ socketPath: path, path: '/never' }).on('error', () => {});
  pending.end();
  await get({ socketPath: path }, '/');
  next.signal('SIGTERM');
  await next.until('shutdown_started');
  const last = await new Managed('server.js', settings).started();
  pending.destroy();
  expect((await next.end()).status).toBe(0);
  expect(await parentBehind(path)).toBe(last.program.pid);
  expect((await last.stop()).status).toBe(0);
  expect(existsSync(path)).toBe(false);
});

describe.skipIf(!isRoot)('Against nobody, in a directory of nobody', () => {
  test('who swaps the socket for a link between bind and chmod does not change the file of root that it leads to.', async () => {
    const { folder, theirs } = sharedFolder();
    const secret = join(folder, 'secret');
    writeFileSync(secret, 'of root');
    chmodSync(secret, 0o600);
    const path = join(theirs, 'socket');
    const swap = `
      fs.writeSync(1, 'ready\\n');
      for (;;) {
        try {
          fs.renameSync(args[0], args[0] + '.moved');
          fs.symlinkSync(args[1], args[0]);
          fs.unlinkSync(args[0]);
        } catch {}
      }`;
    await asNobody(swap, path, secret).line();
    const { stdout } = await run('manager/system/binds.js', {
      args: [path, '1000', 'ERR_PREFORK_UNSAFE_PATH'],
    });
    const { refused } = JSON.parse(stdout);
    expect(modeOf(secret)).toBe(0o600);
    // The attack was there.
    expect(refused.ERR_PREFORK_UNSAFE_PATH).toBeGreaterThan(0);
  });

  test('who swaps a directory for a link while the server runs has nothing removed that it leads to.', async () => {
    const { folder, theirs } = sharedFolder();
    await doneByNobody('fs.mkdirSync(args[0])', join(theirs, 'run'));
    const path = join(theirs, 'run', 'socket');
    const settings = { workers: 1, bind: [{ kind: 'unix' as const, path }] };
    const managed = await new Managed('server.js', settings).started();
    expect(await parentBehind(path)).toBe(managed.program.pid);
    mkdirSync(join(folder, 'private'));
    writeFileSync(join(folder, 'private', 'socket'), 'of root');
    const swap =
      "fs.renameSync(args[0] + '/run', args[0] + '/moved'); fs.symlinkSync(args[1], args[0] + '/run');";
    await doneByNobody(swap, theirs, join(folder, 'private'));
    expect((await managed.stop()).status).toBe(0);
    expect(readdirSync(join(folder, 'private'))).toEqual(['socket']);
  });

  test('no socket is made behind a link that takes the place of a directory.', async () => {
    const { folder, theirs } = sharedFolder();
    mkdirSync(join(folder, 'private'));
    const swap = `
      fs.mkdirSync(args[0] + '/run');
      fs.symlinkSync(args[1], args[0] + '/link');
      fs.writeSync(1, 'ready\\n');
      for (;;) {
        try {
          fs.renameSync(args[0] + '/run', args[0] + '/kept');
          fs.renameSync(args[0] + '/link', args[0] + '/run');
          fs.renameSync(args[0] + '/run', args[0] + '/link');
          fs.renameSync(args[0] + '/kept', args[0] + '/run');
        } catch {}
      }`;
    await asNobody(swap, theirs, join(folder, 'private')).line();
    const args = [join(theirs, 'run', 'socket'), '1000'];
    const { stdout } = await run('manager/system/binds.js', { args });
    expect(readdirSync(join(folder, 'private'))).toEqual([]);
    expect(JSON.parse(stdout).bound).toBeGreaterThan(0);
  });

  test('the owner that it is given can be told.', () => {
    const { theirs } = sharedFolder();
    const path = join(theirs, 'socket');
    bind(path, { mode: 0o660, uid: NOBODY, gid: NOBODY });
    const { uid, gid } = statSync(path);
    expect({ uid, gid, mode: modeOf(path) }).toEqual({ uid: NOBODY, gid: NOBODY, mode: 0o660 });
  });
});
