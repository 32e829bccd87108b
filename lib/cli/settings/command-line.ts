/** `prefork [options] <application> [arguments…]` and `prefork check`, as commander reads them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError, Option as CommanderOption } from 'commander';
import { DEFAULTS } from '../../manager/settings';
import { USAGE } from '../refuse';
import { type Given, readOption } from './complete';
import { GROUPS, OPTIONS, type Option } from './options';

/** What was asked for. */
export interface Invocation {
  command: 'run' | 'check';
  /** The application, as it was written. */
  application: string;
  /** What follows it, which is the application's own. */
  args: string[];
  given: Given;
  /** The configuration file; null: the one in the working directory; false: none. */
  config: string | null | false;
  /** Modules to import before anything else, such as tsx. */
  imports: string[];
}

/** The command line has been answered already, or cannot be: what remains is to end with this status. */
export class Done extends Error {
  constructor(readonly status: number) {
    super(`ends with status ${status}`);
  }
}

const EXAMPLES = `
Each option can also stand in the environment (PREFORK_GRACEFUL_TIMEOUT=10s) and in prefork.config.{ts,mjs,js,json}
(gracefulTimeout: '10s'). The command line wins over the environment, and that over the file.

Signals: TERM, INT end it when all requests are answered; QUIT ends it at once; HUP replaces the workers one by one;
TTIN, TTOU one worker more, one fewer.

Examples:
  prefork server.js                     a server, unchanged: where it listens first, its workers are forked
  prefork app.js --bind :8888           a module that exports a listener or an app
  prefork --import tsx server.ts        TypeScript, where Node does not read it by itself
  prefork check server.js               what would happen`;

/**
 * @param argv what follows the name of the command
 * @throws Done after `--help`, `--version`, and a usage error that it has printed
 * @throws what `readOption` throws
 */
export function parseCommandLine(argv: readonly string[]): Invocation {
  let invocation: Invocation | undefined;
  const program = makeProgram((command, application, args, options) => {
    const { config = null, import: imports = [], ...written } = options;
    invocation = { command, application, args, given: read(written), config, imports };
  });
  try {
    program.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    throw new Done(error.exitCode === 0 ? 0 : USAGE);
  }
  if (invocation === undefined) throw new Done(USAGE);
  return invocation;
}

/** Values as commander leaves them: the text, a list of texts, or a boolean. */
type Written = Record<string, unknown> & { config?: string | false; import?: string[] };

type Action = (command: Invocation['command'], application: string, args: string[], options: Written) => void;

function makeProgram(action: Action): Command {
  const program = new Command('prefork')
    .description('Runs a Node server in several processes, forked after it is loaded.')
    .usage('[options] <application> [arguments…]')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this')
    .helpCommand(false)
    .configureHelp({ subcommandTerm: (command) => `${command.name()} <application>` })
    .addHelpText('after', EXAMPLES)
    .showHelpAfterError('See prefork --help.');
  configure(program, (application, args, options) => action('run', application, args, options));
  const check = program
    .command('check')
    .description('load the application up to its first listen, and say what would happen')
    .usage('[options] <application> [arguments…]');
  configure(check, (application, args, options) => action('check', application, args, options));
  return program;
}

/** Options stand before the application or after it; what follows `--` is the application's own. */
function configure(
  command: Command,
  action: (application: string, args: string[], options: Written) => void,
): void {
  command
    .exitOverride()
    .argument('<application>', 'the file to run; what follows -- is passed on to it')
    .argument('[arguments...]')
    // The command's own options and those that stand before its name are the same.
    .action((application: string, args: string[]) => action(application, args, command.optsWithGlobals()));
  for (const group of GROUPS) {
    command.optionsGroup(`${group}:`);
    for (const option of OPTIONS) if (option.group === group) addOption(command, option);
  }
  command
    .optionsGroup('This command:')
    .option('-c, --config <file>', 'the configuration file [prefork.config.{ts,mjs,js,json}]')
    .option('--no-config', 'read no configuration file')
    .option(
      '--import <module>',
      'import a module first, as node does; may be repeated',
      (value, list: string[] = []) => [...list, value],
    );
}

function addOption(command: Command, option: Option): void {
  const repeated = (written: string, list: string[] = []) => [...list, written];
  const flag = new CommanderOption(option.flags, `${option.help}${shownDefault(option)}`);
  if (option.name === 'bind' || option.name === 'rehearse') flag.argParser(repeated);
  command.addOption(flag);
  if (flag.isBoolean()) command.addOption(new CommanderOption(`--no-${flag.name()}`).hideHelp());
}

function shownDefault({ name }: Option): string {
  const [outer, inner] = name.split('.') as [keyof typeof DEFAULTS, keyof (typeof DEFAULTS)['restart']];
  const value = inner === undefined ? DEFAULTS[outer] : DEFAULTS.restart[inner];
  if (value === null || (Array.isArray(value) && value.length === 0)) return '';
  return ` [${typeof value === 'number' && value >= 500 ? `${value / 1000}s` : String(value)}]`;
}

function read(written: Record<string, unknown>): Given {
  const given: Given = new Map();
  for (const option of OPTIONS) {
    const flag = new CommanderOption(option.flags);
    const value = written[flag.attributeName()];
    const text = Array.isArray(value) ? value.join(',') : value;
    if (value !== undefined) given.set(option.name, readOption(option.read, flag.long ?? option.flags, text));
  }
  return given;
}

function version(): string {
  const manifest = readFileSync(join(__dirname, '..', '..', '..', 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
