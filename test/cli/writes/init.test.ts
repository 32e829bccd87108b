/** `prefork init`: the files that it writes are accepted by those who read them, and what they start serves. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { validate } from 'dockerfile-utils';
import { Deployment } from 'kubernetes-models/apps/v1';
import { Service } from 'kubernetes-models/v1';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { DEFAULTS } from '../../../lib/manager/settings';
import { COMMAND, type Files, folderWith } from '../../helpers/command';
import { serve } from '../../helpers/served';

const SERVER = `
  require('node:http').createServer((_, response) => response.end('mode ' + process.env.MODE)).listen(3000);`;
const SHOP = {
  'package.json': JSON.stringify({
    name: '@acme/Web_Shop',
    scripts: { start: 'MODE=fast node server.js --color' },
  }),
  'server.js': SERVER,
};

function init(folder: string, ...args: string[]) {
  const options = { cwd: folder, encoding: 'utf8' } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, 'init', ...args], options);
  return { status, stdout, stderr };
}

/** What it writes there; a failure if it does not. */
function written(files: Files, ...args: string[]): Record<string, string> {
  const folder = folderWith(files);
  const before = readdirSync(folder);
  expect(init(folder, ...args)).toMatchObject({ status: 0, stderr: '' });
  const names = readdirSync(folder).filter((name) => !before.includes(name));
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

/** Any port that is free, and a path that everybody may make. */
function elsewhere(words: readonly string[], status = 'unix:./status.sock'): string[] {
  return words.map((word) => word.replace(/:8080$/, ':0').replace(/^unix:.*/, status));
}

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;

describe('systemd', () => {
  test.runIf(hasSystemd)('has nothing to say against the unit, in a folder of any name.', () => {
    const parent = folderWith({ 'a 100% "good" $HOME/package.json': SHOP['package.json'] });
    const folder = join(parent, 'a 100% "good" $HOME');
    expect(init(folder, 'systemd', '--port', '3001').status).toBe(0);
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', './acme-web-shop.service'], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  test('starts what serves, with its variables, and reloads and waits as it should.', async () => {
    const { 'acme-web-shop.service': unit = '' } = written(SHOP, 'systemd');
    const value = (name: string) =>
      [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, text]) => text);
    expect(value('Environment')).toEqual(['NODE_ENV=production', 'MODE=fast']);
    expect(Number(value('TimeoutStopSec')[0]) * 1000).toBeGreaterThan(DEFAULTS.gracefulTimeout);
    expect(value('ExecReload')).toEqual(['/bin/kill -HUP $MAINPID']);
    const [node, command, ...words] = value('ExecStart')[0]?.split(' ') ?? [];
    expect(node).toBe(process.execPath);
    expect(command).toMatch(/\/node_modules\/\.bin\/prefork$/);
    const served = await serve(['-w', '1', ...elsewhere(words)], {
      files: SHOP,
      env: { MODE: 'fast' },
      until: /1 worker ready/,
    });
    expect(await served.ask()).toBe('mode fast');
    expect(await served.ask('/readyz', { socketPath: join(served.folder, 'status.sock') })).toBe(
      '1 of 1 workers are ready\n',
    );
    expect(await served.stop()).toBe('status 0');
  });
});

describe('docker', () => {
  test.each([
    ['npm', { 'package-lock.json': '{}' }, 'npm ci --omit=dev'],
    ['pnpm', { 'pnpm-lock.yaml': '' }, 'corepack enable && pnpm install --frozen-lockfile --prod'],
    ['yarn', { 'yarn.lock': '' }, 'yarn install --frozen-lockfile --production'],
    ['no lock', {}, 'npm install --omit=dev'],
  ])('The Dockerfile is one, and installs as the application does: %s.', (_, lock, command) => {
    const { Dockerfile = '' } = written({ ...SHOP, ...lock }, 'docker');
    expect(validate(Dockerfile)).toEqual([]);
    expect(Dockerfile).toContain(`RUN ${command}\n`);
    expect(Dockerfile).toContain('ENV MODE="fast"\n');
  });

  test('An application with a build script is built, and runs without what only that needs.', () => {
    const manifest = { name: 'shop', main: 'dist/main.js', scripts: { build: 'tsc' } };
    const files = {
      'package.json': JSON.stringify(manifest),
      'dist/main.js': SERVER,
      'package-lock.json': '{}',
    };
    const { Dockerfile = '' } = written(files, 'docker');
    expect(validate(Dockerfile)).toEqual([]);
    expect(Dockerfile.match(/^FROM .*/gm)).toHaveLength(2);
    expect(Dockerfile).toContain('"dist/main.js"');
  });

  test('What it starts serves, and its probe says whether it does.', async () => {
    const { Dockerfile = '' } = written(SHOP, 'docker');
    const listIn = (name: string): string[] =>
      JSON.parse(new RegExp(`^${name} (?:.* CMD )?(\\[.*)$`, 'm').exec(Dockerfile)?.[1] ?? '[]');
    const served = await serve(['-w', '1', '--status', '127.0.0.1:0', ...elsewhere(listIn('CMD').slice(1))], {
      files: SHOP,
      until: /1 worker ready/,
    });
    const [, port = ''] = /The status is served on 127\.0\.0\.1:(\d+)/.exec(served.log) ?? [];
    const [, ...probe] = listIn('HEALTHCHECK');
    const ask = () =>
      spawnSync(
        process.execPath,
        probe.map((word) => word.replace('9100', port)),
        { encoding: 'utf8' },
      );
    expect(ask()).toMatchObject({ status: 0, stderr: '' });
    expect(await served.stop()).toBe('status 0');
    expect(ask().status).toBe(1);
  });
});

describe('kubernetes', () => {
  test('The manifest is valid; its probes, ports and times belong together.', () => {
    const { 'kubernetes.yaml': text = '' } = written(SHOP, 'kubernetes', '--port', '3001');
    const [deployment, service] = parseAllDocuments(text).map((document) => document.toJS());
    new Deployment(deployment).validate();
    new Service(service).validate();
    const pod = deployment.spec.template.spec;
    const [container] = pod.containers;
    const ports = Object.fromEntries(
      container.ports.map((port: { name: string; containerPort: number }) => [port.name, port.containerPort]),
    );
    expect(ports['http']).toBe(3001);
    const env = Object.fromEntries(
      container.env.map((each: { name: string; value: string }) => [each.name, each.value]),
    );
    expect(env).toEqual({ PREFORK_STATUS: `:${ports['status']}`, PREFORK_STATUS_PUBLIC: 'true' });
    for (const name of ['startupProbe', 'readinessProbe', 'livenessProbe'])
      expect(container[name].httpGet.port).toBe('status');
    const { periodSeconds, failureThreshold } = container.startupProbe;
    expect(periodSeconds * failureThreshold * 1000).toBeGreaterThan(DEFAULTS.bootTimeout);
    const [, delay] = container.lifecycle.preStop.exec.command;
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(
      Number(delay) + DEFAULTS.gracefulTimeout / 1000,
    );
    expect(service.spec.selector).toEqual(deployment.spec.template.metadata.labels);
  });
});

test('Files that exist stay as they are, unless they are to be replaced.', () => {
  const folder = folderWith({ ...SHOP, '.dockerignore': 'mine' });
  expect(init(folder, 'docker')).toEqual({
    status: 2,
    stdout: '',
    stderr:
      'prefork: .dockerignore exists: remove it, or replace it with --force (ERR_PREFORK_INVALID_ARG_VALUE)\n',
  });
  expect(readdirSync(folder)).not.toContain('Dockerfile');
  expect(readFileSync(join(folder, '.dockerignore'), 'utf8')).toBe('mine');
  expect(init(folder, 'docker', '--force')).toMatchObject({ status: 0, stderr: '' });
  expect(readFileSync(join(folder, '.dockerignore'), 'utf8')).not.toBe('mine');
});

test('Where package.json does not tell what serves, somebody has to.', () => {
  const folder = folderWith({ 'package.json': '{}' });
  const { status, stderr } = init(folder, 'systemd');
  expect({ status, stderr }).toEqual({
    status: 2,
    stderr:
      'prefork: package.json does not tell which file serves: name it, as in prefork init systemd server.js (ERR_PREFORK_INVALID_ARG_VALUE)\n',
  });
  expect(init(folder, 'systemd', 'bin/www.js')).toMatchObject({ status: 0 });
});
