import { Argument, type Command } from "commander";
import { EXIT } from "../exit.ts";
import { examples } from "../options.ts";
import type { Run } from "../context.ts";

interface Entry {
  /** `payouts requeue`; empty for the program itself. */
  readonly path: string;
  readonly words: readonly string[];
}

export function addCompletion(program: Command, run: Run): void {
  program
    .command("completion")
    .addArgument(new Argument("<shell>", "for this shell").choices(["bash", "zsh"]))
    .description("Print what makes the shell complete commands and options when you press Tab.")
    .addHelpText(
      "after",
      examples(
        ["completion bash > ~/.local/share/bash-completion/completions/stakebts", "for bash"],
        ['completion zsh > "${fpath[1]}/_stakebts"', "for zsh"],
      ),
    )
    .action(
      run(async ({ terminal }, shell: "bash" | "zsh") => {
        const entries = entriesOf(program, []);
        await terminal.write(shell === "bash" ? bashScript(entries) : zshScript(entries));
        return EXIT.ok;
      }),
    );
}

function entriesOf(command: Command, path: readonly string[]): readonly Entry[] {
  const help = command.createHelp();
  const commands = help.visibleCommands(command).filter((child) => child.name() !== "help");
  const options = help.visibleOptions(command).flatMap((option) => option.long ?? []);
  const values = command.registeredArguments.flatMap((argument) => argument.argChoices ?? []);
  return [
    { path: path.join(" "), words: [...commands.map((child) => child.name()), ...values, ...options] },
    ...commands.flatMap((child) => entriesOf(child, [...path, child.name()])),
  ];
}

/** What may follow each command. The scripts find the command among the words typed so far and pass over options. */
const wordsByPath = (entries: readonly Entry[]): string =>
  entries.map(({ path, words }) => `    "${path}") words="${words.join(" ")}" ;;`).join("\n");

const bashScript = (
  entries: readonly Entry[],
): string => `# Completion of stakebts for bash. Made by \`stakebts completion bash\`.
_stakebts() {
  local path="" words="" word i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    case "\${path:+$path }$word" in
${entries
  .filter(({ path }) => path !== "")
  .map(({ path }) => `      "${path}") path="${path}" ;;`)
  .join("\n")}
    esac
  done
  case "$path" in
${wordsByPath(entries)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _stakebts stakebts
`;

const zshScript = (entries: readonly Entry[]): string => `#compdef stakebts
# Completion of stakebts for zsh. Made by \`stakebts completion zsh\`.
_stakebts() {
  local path_="" words_="" word i
  for ((i = 2; i < CURRENT; i++)); do
    word="\${words[i]}"
    case "\${path_:+$path_ }$word" in
${entries
  .filter(({ path }) => path !== "")
  .map(({ path }) => `      "${path}") path_="${path}" ;;`)
  .join("\n")}
    esac
  done
  case "$path_" in
${wordsByPath(entries).replaceAll("words=", "words_=")}
  esac
  compadd -- \${=words_}
  _files
}
_stakebts "$@"
`;
