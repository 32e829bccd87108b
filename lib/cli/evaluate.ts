/** What is the user's and comes before the application: modules of `--import`, the configuration file, where to go. */
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Settings } from '../manager';
import { dropPrivileges, findPrivileges } from '../manager/system/privileges';
import type { Evaluated } from './begin-with';
import { settled } from './load';
import { enter } from './settings/complete';
import { fromFile, trustConfigFile } from './settings/config-file';
import type { Sources } from './settings/configuration';

export interface Wanted {
  /** Modules to import first. */
  imports: readonly string[];
  /** The application's path, looked for from the working directory. */
  find(): string;
}

/** In a child of the manager, which has given up its rights and knows its settings. */
export async function evaluate(
  { imports, find }: Wanted,
  sources: Sources,
  { cwd }: Pick<Settings, 'cwd'>,
): Promise<Evaluated> {
  await importAll(imports);
  const { hooks } = await fromFile(sources.file());
  await settled();
  enter({ cwd });
  return { path: find(), hooks };
}

/** The same without a manager: this process finds the settings out, too, with the rights that are taken for it in service. */
export async function evaluateHere(
  { imports, find }: Wanted,
  sources: Sources,
): Promise<{ path: string; settings: Settings }> {
  const { known } = sources;
  const file = sources.file();
  if (file !== null) trustConfigFile(file);
  if (!known.loadAsRoot) dropPrivileges(findPrivileges(known.user, known.group));
  await importAll(imports);
  const { given, hooks } = await fromFile(file);
  const settings = sources.settings(given, hooks);
  await settled();
  enter(settings);
  return { path: find(), settings };
}

/** As `node --import`: resolves packages from the working directory. */
export async function importAll(names: readonly string[]): Promise<void> {
  for (const name of names) {
    const isPath = /^\.{0,2}\//.test(name);
    const path = isPath ? resolve(name) : createRequire(resolve('prefork')).resolve(name);
    await import(pathToFileURL(path).href);
  }
}
