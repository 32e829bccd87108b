/**
 * As process 1 of a container as Docker makes them: another user, no new privileges, a root that is read-only, Docker's
 * capabilities, and its seccomp profile, which fetch.mjs takes from Docker's sources. Needs runc, and root.
 */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { arch, release } from 'node:os';
import { join, sep } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { COMMAND, folderWith, prefork, program } from '../helpers/command';
import { isRoot, sharedFolder } from '../helpers/nobody';
import { freePort } from '../helpers/port';
import { childrenOf } from '../helpers/proc';
import { ROOT } from '../helpers/stdin';
import { application, Clients } from './deployment';

const USER = 1000;
const PROFILE = join(ROOT, '.vm', 'seccomp.json');
const realpathOf = (path: string) => (existsSync(path) ? realpathSync(path) : path);
const hasRunc = spawnSync('runc', ['--version']).status === 0;
const NODES = realpathOf(join(ROOT, '.node-versions'));

/** Docker's, oci/caps/defaults.go of moby. */
const CAPABILITIES = [
  ...['CHOWN', 'DAC_OVERRIDE', 'FSETID', 'FOWNER', 'MKNOD', 'NET_RAW', 'SETGID', 'SETUID', 'SETFCAP'],
  ...['SETPCAP', 'NET_BIND_SERVICE', 'SYS_CHROOT', 'KILL', 'AUDIT_WRITE'],
].map((name) => `CAP_${name}`);

/** Docker's, oci/defaults.go of moby. */
const MASKED = [
  ...['/proc/asound', '/proc/acpi', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list'],
  ...['/proc/timer_stats', '/proc/sched_debug', '/proc/scsi', '/sys/firmware'],
];
const READ_ONLY = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'].map((name) => `/proc/${name}`);

interface Conditions {
  caps?: string[];
  arches?: string[];
  minKernel?: string;
}

interface Rule {
  names: string[];
  action: string;
  errnoRet?: number;
  args?: object[] | null;
  includes?: Conditions;
  excludes?: Conditions;
}

interface Profile {
  defaultAction: string;
  defaultErrnoRet?: number;
  archMap: { architecture: string; subArchitectures: string[] | null }[];
  syscalls: Rule[];
}

const ARCHITECTURE = arch() === 'arm64' ? 'arm64' : 'amd64';

function isKernel(wanted: string): boolean {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  const [first = 0, second = 0] = wanted.split('.').map(Number);
  return major > first || (major === first && minor >= second);
}

/** As Docker applies its profile to a container (profiles/seccomp/seccomp_linux.go of moby). */
function applies({ includes = {}, excludes = {} }: Rule): boolean {
  const has = (name: string) => CAPABILITIES.includes(name);
  return (
    !(excludes.arches ?? []).includes(ARCHITECTURE) &&
    !(excludes.caps ?? []).some(has) &&
    !(excludes.minKernel !== undefined && isKernel(excludes.minKernel)) &&
    (includes.arches === undefined || includes.arches.includes(ARCHITECTURE)) &&
    (includes.caps ?? []).every(has) &&
    (includes.minKernel === undefined || isKernel(includes.minKernel))
  );
}

function seccomp(): object {
  const profile = JSON.parse(readFileSync(PROFILE, 'utf8')) as Profile;
  const own = ARCHITECTURE === 'arm64' ? 'SCMP_ARCH_AARCH64' : 'SCMP_ARCH_X86_64';
  const map = profile.archMap.find(({ architecture }) => architecture === own);
  return {
    defaultAction: profile.defaultAction,
    defaultErrnoRet: profile.defaultErrnoRet ?? 1,
    architectures: [own, ...(map?.subArchitectures ?? [])],
    syscalls: profile.syscalls.filter(applies).map(({ names, action, errnoRet, args }) => ({
      names,
      action,
      ...(errnoRet === undefined ? {} : { errnoRet }),
      ...(args == null || args.length === 0 ? {} : { args }),
    })),
  };
}

const MOUNTS = [
  { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
  { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755'] },
  {
    destination: '/dev/shm',
    type: 'tmpfs',
    source: 'shm',
    options: ['nosuid', 'noexec', 'nodev', 'mode=1777'],
  },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
];

/** Read-only, at the same place. */
function bound(path: string): object {
  return { destination: path, type: 'bind', source: path, options: ['rbind', 'ro', 'nosuid'] };
}

function configuration(args: string[], folders: readonly string[], cwd: string): object {
  const capabilities = { bounding: CAPABILITIES, effective: [], permitted: [], inheritable: [], ambient: [] };
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid: USER, gid: USER },
      args,
      env: ['PATH=/usr/local/bin:/usr/bin:/bin', 'HOME=/'],
      cwd,
      capabilities,
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    mounts: [...MOUNTS, ...folders.map(bound)],
    linux: {
      // With the network of the host: its clients are outside.
      namespaces: ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
      maskedPaths: MASKED,
      readonlyPaths: READ_ONLY,
      seccomp: seccomp(),
    },
  };
}

/** A file system of links and empty folders, into which the host's are bound. */
function bundle(args: string[], app: string, node: string): string {
  const folder = folderWith({}, { packages: false });
  const folders = ['/usr', '/etc', ROOT, NODES, app, node].filter(
    (each, index, all) =>
      !all.some(
        (other, at) => at !== index && (each + sep).startsWith(other + sep) && (other !== each || at < index),
      ),
  );
  const rootfs = join(folder, 'rootfs');
  for (const name of ['proc', 'dev', 'sys', ...folders]) mkdirSync(join(rootfs, name), { recursive: true });
  for (const name of ['bin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, join(rootfs, name));
  writeFileSync(join(folder, 'config.json'), JSON.stringify(configuration(args, folders, app), null, 1));
  return folder;
}

function runc(state: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('runc', ['--root', state, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`runc ${args.join(' ')}: ${stderr}`);
  return stdout;
}

const versions = existsSync(NODES) ? readdirSync(NODES).filter((name) => /^\d+\.\d+\.\d+$/.test(name)) : [];

/** One in a container, from when all its workers are ready. */
async function contained(version: string, source: string) {
  const { folder: app } = sharedFolder();
  writeFileSync(join(app, 'app.js'), source);
  const node = join(NODES, version, 'package', 'bin', 'node');
  const args = [node, COMMAND, 'app.js', '-w', '2', '--log-format', 'json'];
  const folder = bundle(args, app, NODES);
  const state = join(folder, 'state');
  const id = `prefork-${process.pid}-${version}`;
  const running = program('runc', ['--root', state, 'run', '--bundle', folder, id], { cwd: folder });
  onTestFinished(() => void spawnSync('runc', ['--root', state, 'delete', '--force', id]));
  await running.until(/"event":"workers_ready"/);
  const manager = Number((JSON.parse(runc(state, 'state', id)) as { pid: number }).pid);
  const inside = (...command: string[]) => runc(state, 'exec', id, node, COMMAND, ...command);
  return { running, file: join(app, 'app.js'), manager, inside };
}

test.runIf(isRoot && hasRunc && existsSync(PROFILE)).each(versions)(
  'Node %s: it starts, answers, replaces a killed worker, reloads, refuses a broken version, makes way at USR2, and ends at TERM.',
  async (version) => {
    const port = freePort();
    const { running, file, manager } = await contained(version, application(1, port));
    const status = readFileSync(`/proc/${manager}/status`, 'latin1');
    expect(status).toMatch(new RegExp(`^Uid:\\s+${USER}\\s`, 'm'));
    expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
    expect(status).toMatch(/^Seccomp:\s+2$/m);
    expect(status).toMatch(/^NSpid:\s+\d+\s+1$/m);

    const scores = childrenOf(manager).map((pid) =>
      readFileSync(`/proc/${pid}/oom_score_adj`, 'latin1').trim(),
    );
    expect(new Set(scores)).toEqual(new Set(['300']));

    const clients = new Clients(port);
    await clients.more(50);
    const lastOf = (pids: number[]) => pids.at(-1) ?? 0;
    const old = childrenOf(manager);
    clients.expect(2);
    writeFileSync(file, application(2, port));
    process.kill(manager, 'SIGHUP');
    await running.until(/"event":"replaced_all"/);
    while (childrenOf(manager).some((pid) => old.includes(pid))) await clients.more(1);
    clients.expectOnly(2);
    writeFileSync(file, "throw new Error('broken')");
    process.kill(manager, 'SIGHUP');
    await running.until(/"event":"replacement_refused"/);
    await clients.more(50);

    const before = childrenOf(manager);
    clients.expect(3);
    writeFileSync(file, application(3, port));
    process.kill(manager, 'SIGUSR2');
    await running.until(/"event":"succession_finished"/);
    await running.until(/"event":"replaced_all"/, 2);
    while (childrenOf(manager).some((pid) => before.includes(pid))) await clients.more(1);
    clients.expectOnly(3);
    await clients.more(50);
    await clients.stop();
    expect(clients.wrong).toEqual([]);

    process.kill(lastOf(childrenOf(manager)), 'SIGKILL');
    await running.until(/"event":"worker_killed"/);
    while (childrenOf(manager).length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    process.kill(manager, 'SIGTERM');
    expect(await running.exit()).toBe('status 0');
  },
);

test.runIf(isRoot && hasRunc && existsSync(PROFILE)).each(versions)(
  'Node %s: its workers are asked from inside, and by root from outside, where processes have other numbers.',
  async (version) => {
    const { running, manager, inside } = await contained(version, application(1, freePort()));
    const stack = /^worker 0 \(pid \d+\) (waits|runs)[\s\S]*^worker 1 \(pid \d+\) (waits|runs)/m;
    expect(inside('stack', '--timeout', '100s')).toMatch(stack);
    const recorded = /B, of worker 0 \(pid \d+\)\n$/;
    expect(inside('profile', '1', '0', '--seconds', '1', '-o', '/dev/shm/x.cpuprofile')).toMatch(recorded);
    expect(inside('snapshot', '1', '0', '-o', '/dev/shm/x.heapsnapshot')).toMatch(recorded);
    const { folder } = sharedFolder();
    const outside = (...args: string[]) => prefork(folder, args, { deadman: 120_000 }).result;
    const pid = String(manager);
    expect((await outside('stack', pid, '--timeout', '100s')).stdout).toMatch(stack);
    expect((await outside('snapshot', pid, '0', '-o', 'x.heapsnapshot')).stdout).toMatch(recorded);
    process.kill(manager, 'SIGTERM');
    expect(await running.exit()).toBe('status 0');
  },
);
