import type { Command } from 'commander';

/** Completion data of one command. */
export type CompletionNode = {
  /** Words after `firebreak`: empty for `firebreak` itself, `incident approve` for a subcommand. */
  path: string;
  commands: readonly Word[];
  flags: readonly Flag[];
  /** Allowed values of the first argument. Empty: any value. */
  argument: readonly string[];
};
type Word = { word: string; description: string };
type Flag = Word & { takesValue: boolean; choices: readonly string[] };

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** Returns one node for each command and subcommand. */
export function nodesOf(command: Command, path = ''): CompletionNode[] {
  const help = command.createHelp();
  const commands = help.visibleCommands(command).filter((subcommand) => subcommand.name() !== 'help');
  const flags = help
    .visibleOptions(command)
    .flatMap(({ short, long, description, required, optional, argChoices }) =>
      [short, long]
        .filter((flag) => flag !== undefined)
        .map((word) => ({ word, description, takesValue: required || optional, choices: argChoices ?? [] })),
    );
  const node: CompletionNode = {
    path,
    commands: commands.map((subcommand) => ({ word: subcommand.name(), description: subcommand.description() })),
    flags,
    argument: command.registeredArguments[0]?.argChoices ?? [],
  };
  return [
    node,
    ...commands.flatMap((subcommand) =>
      nodesOf(subcommand, path === '' ? subcommand.name() : `${path} ${subcommand.name()}`),
    ),
  ];
}

/** Returns the completion script for a shell. The script is static, so that completion starts no program. */
export const completionScript = (shell: Shell, nodes: readonly CompletionNode[]): string =>
  ({ bash: bashScript, zsh: zshScript, fish: fishScript })[shell](nodes);

/** Quotes for all three shells. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const wordsOf = ({ commands, flags, argument }: CompletionNode): string[] => [
  ...commands.map(({ word }) => word),
  ...argument,
  ...flags.map(({ word }) => word),
];

/** Returns the path of every command except `firebreak` itself. */
const commandPaths = (nodes: readonly CompletionNode[]): string[] =>
  nodes.flatMap(({ path }) => (path === '' ? [] : [path]));

const valueFlags = (nodes: readonly CompletionNode[]): { path: string; flag: Flag }[] =>
  nodes.flatMap(({ path, flags }) => flags.filter(({ takesValue }) => takesValue).map((flag) => ({ path, flag })));

/**
 * Returns bash and zsh code that sets `path` to the command before the cursor.
 *
 * @param wordsVariable the shell variable with the words of the line
 * @param cursorVariable the shell variable with the index of the word at the cursor
 * @param firstIndex the index of the first word after `firebreak`
 */
const commandDetection = (
  nodes: readonly CompletionNode[],
  wordsVariable: string,
  cursorVariable: string,
  firstIndex: number,
): string[] => [
  `  local path='' i`,
  `  for ((i = ${firstIndex}; i < ${cursorVariable}; i++)); do`,
  `    case "\${path:+$path }\${${wordsVariable}[i]}" in`,
  `      ${commandPaths(nodes).map(quoted).join('|')}) path="\${path:+$path }\${${wordsVariable}[i]}" ;;`,
  `    esac`,
  `  done`,
];

function bashScript(nodes: readonly CompletionNode[]): string {
  return [
    '# bash completion of firebreak: source <(firebreak completion bash)',
    '_firebreak() {',
    '  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}',
    ...commandDetection(nodes, 'COMP_WORDS', 'COMP_CWORD', 1),
    '  COMPREPLY=()',
    '  case "$path/$prev" in',
    ...valueFlags(nodes).map(
      ({ path, flag }) =>
        `    ${quoted(`${path}/${flag.word}`)}) ${
          flag.choices.length === 0
            ? 'COMPREPLY=($(compgen -f -- "$cur"))'
            : `COMPREPLY=($(compgen -W ${quoted(flag.choices.join(' '))} -- "$cur"))`
        }; return ;;`,
    ),
    '  esac',
    '  case "$path" in',
    ...nodes.map(
      (node) => `    ${quoted(node.path)}) COMPREPLY=($(compgen -W ${quoted(wordsOf(node).join(' '))} -- "$cur")) ;;`,
    ),
    '  esac',
    '}',
    'complete -o default -F _firebreak firebreak',
  ].join('\n');
}

function zshScript(nodes: readonly CompletionNode[]): string {
  /** Returns `word:description` with colons of the word escaped. */
  const described = ({ word, description }: Word): string => quoted(`${word.replaceAll(':', '\\:')}:${description}`);
  return [
    '#compdef firebreak',
    '# zsh completion of firebreak: source <(firebreak completion zsh)',
    '_firebreak() {',
    ...commandDetection(nodes, 'words', 'CURRENT', 2),
    '  local -a found',
    '  case "$path/${words[CURRENT - 1]}" in',
    ...valueFlags(nodes).map(
      ({ path, flag }) =>
        `    ${quoted(`${path}/${flag.word}`)}) ${
          flag.choices.length === 0 ? '_files' : `compadd -- ${flag.choices.map(quoted).join(' ')}`
        }; return ;;`,
    ),
    '  esac',
    '  case "$path" in',
    ...nodes.map(
      ({ path, commands, flags, argument }) =>
        `    ${quoted(path)}) found=(${[
          ...[...commands, ...flags].map(described),
          ...argument.map((word) => described({ word, description: '' })),
        ].join(' ')}) ;;`,
    ),
    '  esac',
    "  _describe 'firebreak' found || _files",
    '}',
    'if [ "$funcstack[1]" = _firebreak ]; then _firebreak "$@"; else compdef _firebreak firebreak; fi',
  ].join('\n');
}

function fishScript(nodes: readonly CompletionNode[]): string {
  const completeLine = (path: string, ...more: string[]): string =>
    `complete -c firebreak -n ${quoted(`__firebreak_at ${quoted(path).replaceAll("'", '"')}`)} ${more.join(' ')}`;
  return [
    '# fish completion of firebreak: firebreak completion fish | source',
    'function __firebreak_at',
    "  set -l path ''",
    '  for word in (commandline -opc)[2..-1]',
    '    set -l next (string trim -- "$path $word")',
    `    contains -- "$next" ${commandPaths(nodes).map(quoted).join(' ')}; and set path $next`,
    '  end',
    '  test "$path" = "$argv[1]"',
    'end',
    ...nodes.flatMap(({ path, commands, flags, argument }) => [
      ...commands.map(({ word, description }) =>
        completeLine(path, '-f', '-a', quoted(word), '-d', quoted(description)),
      ),
      ...(argument.length === 0 ? [] : [completeLine(path, '-f', '-a', quoted(argument.join(' ')))]),
      ...flags.map(({ word, description, takesValue, choices }) =>
        completeLine(
          path,
          ...(word.startsWith('--') ? ['-l', word.slice(2)] : ['-s', word.slice(1)]),
          ...(takesValue ? ['-r'] : []),
          ...(choices.length === 0 ? [] : ['-f', '-a', quoted(choices.join(' '))]),
          '-d',
          quoted(description),
        ),
      ),
    ]),
  ].join('\n');
}
