import { type CompletedCommand, type CompletedOption, quoted } from './lines';

/** https://fishshell.com/docs/current/completions.html */
export function forFish([program, ...commands]: CompletedCommand[]): string {
  const names = commands.map(({ name }) => name).join(' ');
  const first = `not __fish_seen_subcommand_from ${names}`;
  return [
    '# Completes prefork in fish: prefork completion fish > ~/.config/fish/completions/prefork.fish',
    ...commands.map(({ name, description }) =>
      line(first, `-a ${quoted(name)}`, `-d ${quoted(description)}`),
    ),
    ...(program?.options ?? []).map((option) => line(first, ...optionOf(option))),
    ...commands.flatMap(({ name, options, words }) => {
      const inside = `__fish_seen_subcommand_from ${name}`;
      const listed = words === null ? [] : [line(inside, '-f', `-a ${quoted(words.join(' '))}`)];
      return [...listed, ...options.map((option) => line(inside, ...optionOf(option)))];
    }),
    '',
  ].join('\n');
}

function line(when: string, ...rest: string[]): string {
  return `complete -c prefork -n ${quoted(when)} ${rest.join(' ')}`;
}

function optionOf({ short, long, description, value, choices }: CompletedOption): string[] {
  return [
    ...(short === undefined ? [] : [`-s ${short.slice(1)}`]),
    `-l ${long.slice(2)}`,
    ...(value === undefined ? [] : ['-r']),
    ...(choices.length === 0 ? [] : [`-f -a ${quoted(choices.join(' '))}`]),
    `-d ${quoted(description)}`,
  ];
}
