// Docker's seccomp profile, from its sources as Debian packages them: profiles/seccomp/default.json of moby.
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unpack } from '../vm/debian.mjs';

const PACKAGE = 'golang-github-docker-docker-dev';
const SOURCES = 'usr/share/gocode/src/github.com/docker/docker';
const CACHE = fileURLToPath(new URL('../../.vm', import.meta.url));
const PROFILE = join(CACHE, 'seccomp.json');

if (!existsSync(PROFILE)) {
  mkdirSync(CACHE, { recursive: true });
  const folder = unpack(CACHE, 'amd64', 'bookworm', [PACKAGE]);
  copyFileSync(join(folder, SOURCES, 'profiles', 'seccomp', 'default.json'), PROFILE);
}
