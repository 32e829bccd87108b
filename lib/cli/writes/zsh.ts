import { type CompletedCommand, type CompletedOption, quoted } from './lines';

/** https://zsh.sourceforge.io/Doc/Release/Completion-System.html, _arguments and _describe */
export function forZsh([program, ...commands]: CompletedCommand[]): string {
  const described = commands.map(({ name, description }) => quoted(`${name}:${escaped(description)}`));
  const cases = commands.map(
    ({ name, options, words }) => `    ${name})
      _arguments ${options.map(optionOf).join(' ')} \\
        ${words === null ? "'*:file:_files'" : `${quoted(`1:what:(${words.join(' ')})`)} '*:file:_files'`}
      ;;`,
  );
  return `#compdef prefork
# Completes prefork in zsh. In ~/.zshrc, after compinit: source <(prefork completion zsh)
_prefork_first() {
  local -a commands=(
    ${described.join('\n    ')}
  )
  _describe -t commands command commands
  _files
}
_prefork() {
  local command=\${words[2]}
  case $command in
    ${commands.map(({ name }) => name).join('|')})
      shift words
      ((CURRENT--))
      ;;
    *) command= ;;
  esac
  # Until a space follows, it may become another word.
  if ((CURRENT == 1)); then command=; words=(prefork "\${words[@]}"); ((CURRENT++)); fi
  case $command in
${cases.join('\n')}
    *)
      _arguments ${(program?.options ?? []).map(optionOf).join(' ')} \\
        '1:application or command:_prefork_first' '*:file:_files'
      ;;
  esac
}
compdef _prefork prefork
`;
}

function optionOf({ short, long, description, value, choices }: CompletedOption): string {
  const what = choices.length > 0 ? `(${choices.join(' ')})` : '_files';
  const takes = value === undefined ? '' : `:${value}:${choices.length > 0 || isOfFile(value) ? what : ' '}`;
  const text = `[${escaped(description).replaceAll('[', '\\[').replaceAll(']', '\\]')}]${takes}`;
  if (short === undefined) return quoted(`*${long}${text}`);
  return `${quoted(`(${short} ${long})`)}{${short},${long}}${quoted(text)}`;
}

function isOfFile(value: string): boolean {
  return ['file', 'directory', 'path'].includes(value);
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll(':', '\\:');
}
