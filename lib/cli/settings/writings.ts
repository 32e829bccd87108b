/** The commands that write something for others to read, as commander reads them: `prefork init`, `prefork completion`. */
import { Argument, type Command } from 'commander';
import { readOption } from './complete';
import { integer, type Reader } from './values';

export const PLACES = ['systemd', 'docker', 'kubernetes'] as const;
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type PlaceToRun = (typeof PLACES)[number];
export type Shell = (typeof SHELLS)[number];

export type Writing =
  | { command: 'completion'; shell: Shell; program: Command }
  | {
      command: 'init';
      place: PlaceToRun;
      /** As it was written; undefined: the one that package.json names. */
      application: string | undefined;
      port: number;
      /** Files that exist may be replaced. */
      force: boolean;
    };

const PORT = 8080;
const port: Reader<number> = integer(1, 65535);

export function addWritings(program: Command, take: (writing: Writing) => void): void {
  const init = program
    .command('init')
    .description('write the files that run the application here under systemd, in Docker or in Kubernetes')
    .exitOverride()
    .allowExcessArguments(false)
    .addArgument(new Argument('<place>', 'where it is to run').choices(PLACES))
    .argument('[application]', 'the file to run; default: what the start script of package.json runs')
    .option('--port <number>', `where it is to listen [${PORT}]`)
    .option('--force', 'replace files that exist')
    .action((place: PlaceToRun, application: string | undefined) => {
      const { port: written, force } = init.opts<{ port?: string; force?: boolean }>();
      const chosen = written === undefined ? PORT : readOption(port, '--port', written);
      take({ command: 'init', place, application, port: chosen, force: force === true });
    });
  program
    .command('completion')
    .description('print what completes this command in a shell: source <(prefork completion bash)')
    .exitOverride()
    .allowExcessArguments(false)
    .addArgument(new Argument('<shell>', 'which one').choices(SHELLS))
    .action((shell: Shell) => take({ command: 'completion', shell, program }));
}
