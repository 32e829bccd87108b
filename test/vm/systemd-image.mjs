// A machine whose first process is systemd: Debian's packages as they are unpacked, without their scripts, and the service
// of docs/deployment.md. All of it lies in memory, so that the kernel needs no driver but the console's.
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unpackWithDependencies } from './debian.mjs';
import { CACHE, kernelOf, nodeOf, pack, ROOT, run } from './image.mjs';

/** The first release whose systemd knows Type=notify-reload (253). */
const RELEASE = 'trixie';
const PACKAGES = [
  'base-files',
  'bash',
  'coreutils',
  'dash',
  'grep',
  'libstdc++6',
  'mount',
  'procps',
  'sed',
  'systemd-sysv',
  'util-linux',
];

/** What the scripts of the packages would have made. */
const FILES = {
  'etc/passwd':
    'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\nshop:x:1000:1000:shop:/:/bin/false\n',
  'etc/group': 'root:x:0:\nadm:x:4:\nutmp:x:43:\nsystemd-journal:x:101:\nnogroup:x:65534:\nshop:x:1000:\n',
  'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files\n',
  'etc/hosts': '127.0.0.1 localhost\n',
  'etc/machine-id': '',
  'etc/fstab': '',
  // What is emulated is slow.
  'etc/systemd/system.conf': '[Manager]\nDefaultTimeoutStartSec=900\nDefaultTimeoutStopSec=900\n',
};

/** Prints to the console, and switches the machine off. */
const SUITE = `[Unit]
Description=What is tried in this machine
After=basic.target
Requires=basic.target
[Service]
Type=oneshot
ExecStart=/usr/bin/node /suite/systemd.js ARGUMENT
ExecStopPost=/usr/bin/systemctl poweroff --force --force
StandardOutput=tty
StandardError=tty
TTYPath=/dev/console
TimeoutStartSec=infinity
`;

function units() {
  const page = readFileSync(join(ROOT, 'docs', 'deployment.md'), 'utf8');
  return [...page.matchAll(/```ini\n# \/etc\/systemd\/system\/(\S+)\n([\s\S]*?)```/g)];
}

function copyPackage(target) {
  for (const name of [
    'dist',
    'package.json',
    'node_modules/node-gyp-build',
    'node_modules/commander',
    'build/Release/prefork.node',
  ]) {
    cpSync(join(ROOT, name), join(target, name), { recursive: true });
  }
}

/** The files `kernel` and `initrd`, and `options` for the kernel, of a machine with this Node; `only` is a pattern. */
export function makeSystemdImage({ node, only }) {
  mkdirSync(CACHE, { recursive: true });
  const userland = unpackWithDependencies(CACHE, 'amd64', RELEASE, PACKAGES);
  const root = join(CACHE, 'root-systemd');
  rmSync(root, { recursive: true, force: true });
  // Links between the files of a package stay links.
  run('cp', ['-a', userland, root]);
  for (const name of ['usr/share/doc', 'usr/share/locale', 'usr/share/man']) {
    rmSync(join(root, name), { recursive: true, force: true });
  }
  for (const name of [
    'proc',
    'sys',
    'dev',
    'run',
    'tmp',
    'root',
    'units',
    'suite',
    'srv/shop/node_modules/.bin',
  ]) {
    mkdirSync(join(root, name), { recursive: true });
  }
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(root, name), text);
  for (const [, name, text] of units()) writeFileSync(join(root, 'units', name), text);
  copyFileSync(nodeOf(node, 'x64'), join(root, 'usr', 'bin', 'node'));
  copyPackage(join(root, 'srv', 'shop', 'node_modules', 'prefork'));
  symlinkSync('../prefork/dist/cli/main.js', join(root, 'srv', 'shop', 'node_modules', '.bin', 'prefork'));
  run('chmod', [
    '755',
    join(root, 'srv/shop/node_modules/prefork/dist/cli/main.js'),
    join(root, 'usr/bin/node'),
  ]);
  copyFileSync(join(ROOT, 'test', 'vm', 'inside', 'systemd.js'), join(root, 'suite', 'systemd.js'));
  writeFileSync(join(root, 'etc/systemd/system/suite.service'), SUITE.replace('ARGUMENT', only));
  symlinkSync('usr/lib/systemd/systemd', join(root, 'init'));
  return {
    kernel: kernelOf('amd64', RELEASE),
    initrd: pack(root, 'initrd-systemd'),
    options: 'systemd.unit=suite.service systemd.show_status=no net.ifnames=0',
  };
}
