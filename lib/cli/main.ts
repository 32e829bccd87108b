#!/usr/bin/env node
/** The command `prefork`. */
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { findPrivileges, intercept } from '../manager';
import { reportAtFirstListen } from './check';
import { findApplication, runApplication, settled } from './load';
import { makeLog } from './log-lines';
import { refuse } from './refuse';
import { Done, parseCommandLine } from './settings/command-line';
import { complete, enter } from './settings/complete';
import { fromFile } from './settings/config-file';
import { fromEnvironment } from './settings/environment';
import { watchBeginning } from './startup';

async function main(argv: readonly string[]): Promise<void> {
  const { command, application, args, given, config, imports, verbose } = parseCommandLine(argv);
  for (const name of imports) await importFirst(name);
  const file = await fromFile(config);
  const settings = complete([given, fromEnvironment(process.env), file.given], file.hooks);
  await settled();
  enter(settings);
  findPrivileges(settings.user, settings.group);
  const path = findApplication(application);
  const beginning = watchBeginning(path, settings, makeLog(settings.logFormat));
  if (command === 'check') reportAtFirstListen(path, settings, beginning, verbose);
  else intercept(settings, beginning.log, beginning.listens);
  beginning.refuseCluster();
  runApplication(path, args, settings.bind[0], beginning);
}

/** As `node --import`: resolves packages from the working directory. */
async function importFirst(name: string): Promise<void> {
  const isPath = /^\.{0,2}\//.test(name);
  const path = isPath ? resolve(name) : createRequire(resolve('prefork')).resolve(name);
  await import(pathToFileURL(path).href);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  if (!(error instanceof Done)) refuse(error);
  process.exitCode = error.status;
});
