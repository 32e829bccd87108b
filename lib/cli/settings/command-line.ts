/** `prefork [options] <application> [arguments…]`, `prefork check`, and commands such as `prefork status`, as commander reads them. */
import { type Argument, Command, CommanderError, Option as CommanderOption } from 'commander';
import { print, writeToStderr } from '../../base/blocking-write';
import { version } from '../../base/version';
import { DEFAULTS } from '../../manager/settings';
import { type Given, readOption } from './complete';
import { describeFolder } from './here';
import { GROUPS, OPTIONS, type Option } from './options';
import { addOrders, type Order } from './orders';
import { USAGE } from './refuse';
import { addTests, readTests, type Tests } from './tests';
import { addWritings, type Writing } from './writings';

/** What the command line asks for. */
export type Invocation = Start | Order | Writing | Tests;

/** Something is to be done with an application. */
export interface Start {
  command: 'run' | 'check';
  /** The application, as it was written. */
  application: string;
  /** The application's own arguments. */
  args: string[];
  given: Given;
  /** The configuration file; null: look in the working directory; false: read none. */
  config: string | null | false;
  /** Modules to import before anything else, such as tsx. */
  imports: string[];
  /** Of `check`: list descriptors and threads, too. */
  verbose: boolean;
}

/** The command line is answered, or cannot be: all that remains is to end with this status. */
export class Done extends Error {
  constructor(readonly status: number) {
    super(`ends with status ${status}`);
  }
}

const SYNOPSIS = '[options] <application> [arguments…]';

/** What a person in a hurry needs; lines of at most 80 columns. */
const START = `Runs a Node server in several processes, forked after it is loaded.

  prefork server.js               run a server, one worker per processor
  prefork app.js --bind :8888     serve the app or listener that a file exports
  prefork check server.js         dry run: what would be forked, shared, refused
  prefork status                  who runs, and how each worker is
  prefork reload                  put the files as they are now into service
  prefork scale +1                one worker more
  prefork stop                    finish requests, end

Where several run, say which: by pid, pid file or name (prefork stop shop).

Most needed:
  -w, --workers <number>          number of workers
  -b, --bind <address>            listen on :8888, host:port or unix:path
  --log-format <format>           plain, pretty or json

Signals to the manager:
  TERM, INT  finish requests, end      HUP         load the files anew, replace
  QUIT       end at once               USR2        the same, with a new Node
  USR1       reopen log files          TTIN, TTOU  one worker more, one fewer`;

const FIRST_SCREEN = `Usage: prefork ${SYNOPSIS}

${START}

All options: prefork --help
`;

const SOURCES = `
Each option can also stand in the environment (PREFORK_GRACEFUL_TIMEOUT=10s)
or in prefork.config.{ts,mjs,js,json} (gracefulTimeout: '10s'). The command line
wins over the environment, the environment over the file.

TypeScript needs Node 22.18 or later, or a loader:
  prefork --import tsx server.ts`;

/**
 * @param argv what follows the name of the command
 * @throws Done after `--help`, `--version`, an empty command line, and a usage error, each of which it has answered
 * @throws what `readOption` throws
 */
export function parseCommandLine(argv: readonly string[]): Invocation {
  if (argv.length === 0) {
    writeToStderr([describeFolder(process.cwd()), FIRST_SCREEN].filter((text) => text !== '').join('\n'));
    throw new Done(USAGE);
  }
  const tests = readTests(argv);
  if (tests !== undefined) return tests;
  let invocation: Invocation | undefined;
  const program = makeProgram(
    (command, application, args, options) => {
      const { config = null, import: imports = [], verbose = false, ...written } = options;
      invocation = { command, application, args, given: read(written), config, imports, verbose };
    },
    (other) => {
      invocation = other;
    },
  );
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
type Written = Record<string, unknown> & { config?: string | false; import?: string[]; verbose?: boolean };

type Action = (command: Start['command'], application: string, args: string[], options: Written) => void;

function makeProgram(action: Action, take: (other: Order | Writing) => void): Command {
  const program = new Command('prefork')
    .description(START)
    .usage(SYNOPSIS)
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .configureOutput({ writeOut: print, writeErr: writeToStderr })
    .helpCommand(false)
    .configureHelp({ subcommandTerm: termOf })
    .addHelpText('after', SOURCES)
    .showHelpAfterError('See prefork --help.');
  configure(program, (application, args, options) => action('run', application, args, options));
  const check = program
    .command('check')
    .description('dry run: load the application up to its first listen; say whether it can be forked')
    .usage(SYNOPSIS)
    .option('-v, --verbose', 'also list what a fork would share or renew, and every thread');
  configure(check, (application, args, options) => action('check', application, args, options));
  addOrders(program, take);
  addWritings(program, take);
  addTests(program);
  return program;
}

function termOf(command: Command): string {
  if (command.name() === 'scale') return 'scale [target] <number>';
  if (command.name() === 'stack') return 'stack [target] [worker]';
  if (command.name() === 'profile' || command.name() === 'snapshot')
    return `${command.name()} [target] <worker>`;
  return [command.name(), ...command.registeredArguments.slice(0, 1).map(nameOf)].join(' ');
}

function nameOf(argument: Argument): string {
  return argument.required ? `<${argument.name()}>` : `[${argument.name()}]`;
}

/** Options stand before the application or after it; what follows `--` is the application's own. */
function configure(
  command: Command,
  action: (application: string, args: string[], options: Written) => void,
): void {
  command
    .exitOverride()
    .argument('<application>', 'the file to run')
    .argument('[arguments...]', 'its own arguments; put -- before those that begin with a dash')
    // The command's own options and those that stand before its name are the same.
    .action((application: string, args: string[]) => action(application, args, command.optsWithGlobals()));
  for (const group of GROUPS) {
    command.optionsGroup(`${group}:`);
    for (const option of OPTIONS) if (option.group === group) addOption(command, option);
  }
  command
    .optionsGroup('This command:')
    .option('-c, --config <file>', 'configuration file [prefork.config.{ts,mjs,js,json}]')
    .option('--no-config', 'read no configuration file')
    .option(
      '--import <module>',
      'import a module first, as node does; repeatable',
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
