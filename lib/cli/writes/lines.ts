/** Every command and option of the program, as completions need them. */
import type { Command, Option } from 'commander';

export interface CompletedCommand {
  name: string;
  description: string;
  options: CompletedOption[];
  /** What may be its first argument; null: a file. */
  words: readonly string[] | null;
}

export interface CompletedOption {
  /** `-w`, if it has one. */
  short: string | undefined;
  long: string;
  description: string;
  /** What it takes; undefined: nothing. */
  value: string | undefined;
  /** The values that it may have, where they can be listed. */
  choices: readonly string[];
}

const CHOICES: Record<string, readonly string[]> = {
  '--log-format': ['plain', 'pretty', 'json'],
  '--log-worker': ['prefix', 'field', 'none'],
  '--preload': ['auto', 'yes', 'no'],
  '--sticky': ['ip', 'none'],
  '--workers': ['auto'],
};

/** The first is the program itself. */
export function commandsOf(program: Command): CompletedCommand[] {
  return [program, ...program.commands].map((command) => ({
    name: command.name(),
    description: command.description().split('\n')[0] ?? '',
    options: [...command.options, HELP].filter((each) => 'isHelp' in each || !each.hidden).map(optionOf),
    words: command.registeredArguments[0]?.argChoices ?? null,
  }));
}

const HELP = { short: '-h', long: '--help', description: 'print this help', required: false, isHelp: true };

function optionOf({ short, long, description, required, ...rest }: Option | typeof HELP): CompletedOption {
  const name = long ?? '';
  const [, value] = 'flags' in rest ? (/<(.*)>/.exec(rest.flags) ?? []) : [];
  return {
    short,
    long: name,
    description: description.split(/[;:]/)[0] ?? '',
    value: required ? (value ?? 'value') : undefined,
    choices: CHOICES[name] ?? [],
  };
}

/** As one word of a shell, whatever is in it. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
