// A Unix socket at ./socket, where something may be already. argv: what, mode. Ends when standard input does.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { bindUnixSocket } from 'prefork/netutil';
import { say } from './configure.mjs';

const SAYS = {
  ENOENT: 'No such file or directory',
  EADDRINUSE: 'Address already in use',
  ENAMETOOLONG: 'Path too long',
};
const [what, mode] = process.argv.slice(2);
let path = 'socket';
let served;
if (what === 'stale' || what === 'served') {
  served = bindUnixSocket(path);
  if (what === 'stale') served.close();
} else if (what === 'foreign') writeFileSync(path, '');
else if (what === 'directory') mkdirSync(path);
else if (what === 'link') symlinkSync('nowhere', path);
else if (what === 'missing directory') path = 'missing/socket';
else if (what === 'too long') path = 'x'.repeat(200);
else if (what === 'abstract') path = `\0prefork ${process.pid}`;
try {
  const socket =
    mode === 'default' ? bindUnixSocket(path) : bindUnixSocket(path, { mode: Number.parseInt(mode, 8) });
  if (what === 'abstract') say(`listening ${readdirSync('.').length}`);
  else {
    const status = statSync(path);
    say(`listening ${status.isSocket() ? 'True' : 'False'} ${(status.mode & 0o7777).toString(8)}`);
  }
  // Somebody else, because a client here would need the event loop.
  const script = 'import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1].replace("@", "\\0"))';
  const args = ['-c', script, socket.address().replace('\0', '@')];
  if (spawnSync('/usr/bin/python3', args).status === 0) say('connected');
} catch (error) {
  say(SAYS[error.code] ?? error.message);
}
say('ready');
readSync(0, Buffer.alloc(1));
