/** What docs/deployment.md shows is what works: its files are read from there, checked, and their commands run. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { DEFAULTS } from '../../lib/manager/settings';
import { folderWith } from '../helpers/command';
import { serve } from '../helpers/served';
import { ROOT } from '../helpers/stdin';

const PAGE = readFileSync(join(ROOT, 'docs', 'deployment.md'), 'utf8');
const isRoot = process.getuid?.() === 0;
const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;

function blocks(language: string): string[] {
  return [...PAGE.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map(([, body = '']) => body);
}

/** Of a unit: the one value of that name. */
function value(unit: string, name: string): string {
  return new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? '';
}

const [SERVICE = '', SOCKET = ''] = blocks('ini');
const [DOCKERFILE = ''] = blocks('dockerfile');
const COMMAND: string[] = JSON.parse(/^CMD (.*)$/m.exec(DOCKERFILE)?.[1] ?? '[]');

/** It answers its probe, and has a child whose own child outlives it: an orphan, for process 1 to reap. */
const SERVER = `
  const { spawn } = require('node:child_process');
  const { readFileSync } = require('node:fs');
  const script = 'sleep 0.05 & echo $!';
  require('node:http').createServer((request, response) => {
    if (request.url === '/healthz') return response.end('pid ' + process.pid);
    if (request.url === '/parent') return response.end(String(process.ppid));
    const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    child.stdout.once('data', (orphan) => {
      const look = () => {
        try {
          readFileSync('/proc/' + Number(orphan) + '/stat');
          setTimeout(look, 10);
        } catch {
          response.end('reaped');
        }
      };
      look();
    });
  }).listen(3000);`;

/** Any port that is free, in place of the page's. */
function onAnyPort(options: readonly string[]): string[] {
  return options.map((option) => option.replace(/:8080$/, ':0'));
}

test.runIf(hasSystemd)('systemd has nothing to say against the units.', () => {
  const program = /^\S+/.exec(value(SERVICE, 'ExecStart'))?.[0] ?? '';
  const folder = folderWith({
    'shop.service': SERVICE.replace(program, process.execPath), // which has to exist
    'shop.socket': SOCKET,
  });
  const units = ['shop.service', 'shop.socket'].map((name) => join(folder, name));
  const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', ...units], { encoding: 'utf8' });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
});

test('The service is started, reloaded and stopped as its unit says.', async () => {
  const [, ...words] = value(SERVICE, 'ExecStart').split(' ');
  const reload = /-(\w+) \$MAINPID$/.exec(value(SERVICE, 'ExecReload'))?.[1];
  expect(Number(value(SERVICE, 'TimeoutStopSec')) * 1000).toBeGreaterThan(DEFAULTS.gracefulTimeout);
  const served = await serve(onAnyPort(words), {
    files: { 'server.js': SERVER },
    until: /"2 workers ready"/,
    env: { PREFORK_WORKERS: '2' },
  });
  const old = served.running.workers().map((pid) => `pid ${pid}`);
  served.running.kill(`SIG${reload}` as NodeJS.Signals);
  await served.until(/"event":"replaced_all"/);
  // Until the last of them has stopped accepting.
  while (old.includes(await served.ask('/healthz')));
  expect(await served.stop('SIGTERM')).toBe('status 0');
});

test.runIf(isRoot)(
  'The command of the Dockerfile, as process 1: it reaps orphans, and TERM ends it.',
  async () => {
    const under = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];
    const served = await serve(onAnyPort(COMMAND.slice(1)), {
      under,
      files: { 'server.js': SERVER },
      env: { WEB_CONCURRENCY: '2' },
      until: /"2 workers ready"/,
    });
    expect(await served.ask('/parent')).toBe('1');
    expect(await served.ask('/orphan')).toBe('reaped');
    const [manager = 0] = served.running.children(); // of unshare, which keeps TERM to itself
    served.running.kill('SIGTERM', manager);
    expect(await served.running.exit()).toBe('status 0');
  },
);

test('The manifest asks where the image listens, and waits longer than the server does.', async () => {
  const [manifest] = blocks('yaml').map((text) => parse(text));
  const pod = manifest.spec.template.spec;
  const [container] = pod.containers;
  const [port] = [...COMMAND.join(' ').matchAll(/--bind :(\d+)/g)].map(([, digits]) => Number(digits));
  expect(container.ports).toEqual([{ containerPort: port }]);
  expect(container.readinessProbe.httpGet.port).toBe(port);
  expect(DOCKERFILE).toContain(`EXPOSE ${port}\n`);
  expect(manifest.spec.selector.matchLabels).toEqual(manifest.spec.template.metadata.labels);
  const [, delay] = container.lifecycle.preStop.exec.command;
  expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(Number(delay) + DEFAULTS.gracefulTimeout / 1000);

  const served = await serve(onAnyPort(COMMAND.slice(1)), {
    files: { 'server.js': SERVER },
    env: { WEB_CONCURRENCY: '1' },
    until: /"1 worker ready"/,
  });
  expect(await served.ask(container.readinessProbe.httpGet.path)).toMatch(/^pid \d+$/);
});
