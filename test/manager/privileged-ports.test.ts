/** With --user an application may listen on several ports below 1024, as long as it does so while it starts. */
import { chmodSync, writeFileSync } from 'node:fs';
import { get as getHttp } from 'node:http';
import { get as getHttps } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFailed, test } from 'vitest';
import { selfSigned } from '../helpers/certificate';
import { COMMAND, folderWith, program } from '../helpers/command';
import { isRoot } from '../helpers/nobody';
import { freePrivilegedPort } from '../helpers/port';
import type { Program } from '../helpers/run';
import { ROOT } from '../helpers/stdin';

const PRELUDE = `
  const http = require('node:http');
  const https = require('node:https');
  const fs = require('node:fs');
  const { ready } = require('${ROOT}/dist/index.js');
  const [one, two] = process.env.PORTS.split(' ').map(Number);
  const names = (name) => (_, response) => {
    response.setHeader('Connection', 'close').end(name + ' ' + process.pid + ' ' + process.geteuid());
  };
  const server = http.createServer(names('first'));
  const second = () => http.createServer(names('second'));
  const listening = (server, port) => new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));`;

interface Started {
  running: Program;
  ports: [number, number];
  folder: string;
}

/** An application in a folder of its own, with a certificate; nobody's are its workers. */
async function start(source: string, args: string[]): Promise<Started> {
  const folder = folderWith({ 'app.js': `${PRELUDE}${source}` });
  const { keyfile } = selfSigned(folder, 'own');
  chmodSync(folder, 0o755);
  chmodSync(keyfile, 0o644);
  const ports: [number, number] = [freePrivilegedPort(), freePrivilegedPort()];
  const line = [COMMAND, '-w', '2', '--user', 'nobody', ...args, 'app.js'];
  const env = { PORTS: ports.join(' ') };
  const running = program(process.execPath, line, { cwd: folder, env });
  onTestFailed(() => console.error(`${line.join(' ')}\n${running.stdout}\n${running.stderr}`));
  await running.until(/workers? ready/);
  return { running, ports, folder };
}

function ask(port: number, get: typeof getHttp | typeof getHttps = getHttp): Promise<string> {
  const options = { host: '127.0.0.1', port, agent: false, rejectUnauthorized: false };
  return new Promise((resolve, reject) => {
    get(options, (response) => text(response).then(resolve, reject)).on('error', reject);
  });
}

const TWO_SERVERS = `
  const files = { key: fs.readFileSync('own.key'), cert: fs.readFileSync('own.crt') };
  server.listen(one, '127.0.0.1');
  https.createServer(files, names('second')).listen(two, '127.0.0.1');`;

const FORMS = [
  ['in the same turn: http and https', TWO_SERVERS, getHttps],
  [
    'in the callback of the first',
    "server.listen(one, '127.0.0.1', () => second().listen(two, '127.0.0.1'));",
  ],
  [
    'after an await of the first',
    '(async () => { await listening(server, one); await null; await listening(second(), two); })();',
  ],
  [
    'later in the same start, before a promise that it gives to ready() is fulfilled',
    `const metrics = new Promise((resolve) => setTimeout(resolve, 50)).then(() => listening(second(), two));
     server.listen(one, '127.0.0.1');
     ready(metrics);`,
  ],
] as const;

describe.runIf(isRoot)('A second port below 1024', () => {
  test.each(
    FORMS.flatMap(([when, source, get]) => ['auto', 'no'].map((preload) => ({ when, source, get, preload }))),
  )('$when, with --preload $preload, is served by all workers, also after a kill and HUP.', async (form) => {
    const { source, preload, get = getHttp } = form;
    const { running, ports, folder } = await start(source, ['--preload', preload]);
    const both = () => Promise.all([ask(ports[0]), ask(ports[1], get)]);
    const [first, other] = await both();
    expect([first.split(' ')[0], other.split(' ')[0]]).toEqual(['first', 'second']);
    expect(other).toMatch(/ 65534$/);
    running.kill('SIGKILL', Number(other.split(' ')[1]));
    await running.until(/was killed by SIGKILL/);
    await both();
    writeFileSync(join(folder, 'app.js'), `${PRELUDE}${source} // anew`);
    running.kill('SIGHUP');
    await running.until(/Every worker has been replaced/);
    await both();
    running.kill('SIGTERM');
    expect(await running.exit()).toBe('status 0');
    expect(running.stderr).not.toMatch(/EACCES|does not bind/);
  });

  test('that it asks for when it serves already is refused, and the log says what to do.', async () => {
    const late = `
      const late = http.createServer();
      late.on('error', ({ code }) => console.log('failed: ' + code));
      server.listen(one, '127.0.0.1');
      server.on('request', () => late.listen(two, '127.0.0.1'));`;
    const { running, ports } = await start(late, ['-w', '1']);
    await ask(ports[0]);
    await running.until(/failed: EACCES/);
    expect(running.stderr).toMatch(/does not bind 127\.0\.0\.1:\d+ for all workers, .*ready\(\)/);
    await expect(ask(ports[1])).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    running.kill('SIGTERM');
    expect(await running.exit()).toBe('status 0');
  });

  test('of UDP, for which it asks in the same turn, is bound for all workers, too.', async () => {
    const source = `
      server.listen(one, '127.0.0.1');
      const { createSocket } = require('node:dgram');
      createSocket('udp4').bind(two, '127.0.0.1', function () { console.log('bound ' + this.address().port); });`;
    const { running, ports } = await start(source, []);
    await running.until(new RegExp(`bound ${ports[1]}`), 2);
    running.kill('SIGTERM');
    expect(await running.exit()).toBe('status 0');
  });
});
