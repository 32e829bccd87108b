import { type CompletedCommand, type CompletedOption, quoted } from './lines';

/** https://www.gnu.org/software/bash/manual/html_node/Programmable-Completion.html */
export function forBash([program, ...commands]: CompletedCommand[]): string {
  const all = program === undefined ? commands : [program, ...commands];
  const options = all.flatMap((command) => command.options);
  const withValue = [...new Set(options.filter(({ value }) => value !== undefined).flatMap(namesOf))];
  const listed = new Map(
    options.filter(({ choices }) => choices.length > 0).map((each) => [each.long, each]),
  );
  return `# Completes prefork in bash. In ~/.bashrc: source <(prefork completion bash)
_prefork() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]}
  local command= arguments=0 options= words= index
  for ((index = 1; index < COMP_CWORD; index++)); do
    case \${COMP_WORDS[index]} in
      ${withValue.join(' | ')}) ((index++)) ;;
      -*) ;;
      *)
        if [ "$arguments" = 0 ]; then command=\${COMP_WORDS[index]}; fi
        ((arguments++))
        ;;
    esac
  done
  case $before in
${[...listed.values()].map((option) => `    ${namesOf(option).join(' | ')}) words=${quoted(option.choices.join(' '))} ;;`).join('\n')}
    ${withValue.join(' | ')}) COMPREPLY=(); return ;;
    *)
      case $command in
${commands.map((command) => `        ${command.name}) options=${quoted(longNames(command))} words=${quoted((command.words ?? []).join(' '))} ;;`).join('\n')}
        *) options=${quoted(program === undefined ? '' : longNames(program))} ;;
      esac
      if [ "$arguments" = 0 ]; then words=${quoted(commands.map(({ name }) => name).join(' '))}; fi
      case $command in ${commands
        .filter(({ words }) => words !== null)
        .map(({ name }) => name)
        .join(' | ')}) [ "$arguments" = 1 ] || words= ;; esac
      if [[ $word == -* ]]; then words=$options; fi
      ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
  # No word: files, as readline completes them.
  if [[ $command == '' && $word != -* && $before != -* ]]; then
    local files
    mapfile -t files < <(compgen -f -- "$word")
    COMPREPLY+=("\${files[@]}")
  fi
}
complete -o default -o filenames -F _prefork prefork
`;
}

function namesOf({ short, long }: CompletedOption): string[] {
  return short === undefined ? [long] : [short, long];
}

function longNames({ options }: CompletedCommand): string {
  return options.map(({ long }) => long).join(' ');
}
