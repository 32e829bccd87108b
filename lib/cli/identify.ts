/** By which name commands find the service, and which version of what it serves: as the package of the application says. */
import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import { basename, dirname, join, parse, resolve } from 'node:path';
import type { Application, Settings } from '../manager/settings';
import { isName } from './settings/values';

const { O_NONBLOCK, O_RDONLY } = constants;

/** Bytes; no manifest has more. */
const LONGEST = 1024 * 1024;
const VERSION = /^[\w.+-]{1,100}$/;

interface Manifest {
  name: string | null;
  version: string | null;
}

/**
 * Reads package.json of the application's folder, or of the nearest one above it that has a name. It may belong to somebody
 * else than this process, who chooses no more with it than two short texts.
 */
export function identify(
  application: string,
  name: string | null,
): Pick<Settings, 'name'> & { application: Application } {
  const path = realPath(application);
  const manifest = nearestManifest(dirname(path));
  return {
    name: name ?? manifest?.name ?? nameOfFile(path),
    application: { path, version: manifest?.version ?? null },
  };
}

function realPath(application: string): string {
  try {
    return realpathSync(application);
  } catch {
    return resolve(application); // Node will say that it is not there
  }
}

/** The folder of an application without a package, or of `index.js`, says more than nothing. */
function nameOfFile(path: string): string | null {
  const name = parse(path).name === 'index' ? basename(dirname(path)) : parse(path).name;
  return isName(name) ? name : null;
}

function nearestManifest(folder: string): Manifest | undefined {
  const manifest = manifestIn(folder);
  if (manifest?.name != null) return manifest;
  const above = dirname(folder);
  return above === folder ? undefined : nearestManifest(above);
}

function manifestIn(folder: string): Manifest | undefined {
  try {
    const { name, version } = JSON.parse(read(join(folder, 'package.json'))) as Record<string, unknown>;
    return {
      name: typeof name === 'string' && isName(name) ? name : null,
      version: typeof version === 'string' && VERSION.test(version) ? version : null,
    };
  } catch {
    return undefined; // there is none, or it is none
  }
}

function read(path: string): string {
  const fd = openSync(path, O_RDONLY | O_NONBLOCK); // a pipe would wait for somebody who writes
  try {
    const size = fstatSync(fd).size;
    if (size > LONGEST) return '';
    const bytes = Buffer.alloc(size);
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, size, 0));
  } finally {
    closeSync(fd);
  }
}
