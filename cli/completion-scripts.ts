/**
 * What `rekey completion` prints for each shell. The scripts know nothing of the commands: they hand the words up to
 * the cursor to `rekey __complete` and offer what it prints, so they never fall behind. The bash one runs on bash 3.2
 * and without the package bash-completion.
 */

const BASH = shell(String.raw`# bash completion of rekey; in ~/.bashrc: eval "$(rekey completion bash)"
_rekey() {
  local line=§{COMP_LINE:0:COMP_POINT} words current value about breaks prefix=
  read -ra words <<<"$line"
  case $line in *[[:space:]]) words+=("") ;; esac
  current=§{words[§{#words[@]}-1]}
  # Readline replaces only what stands behind the last of these.
  breaks=§{COMP_WORDBREAKS//[^@:=]/}
  [ -z "$breaks" ] || prefix=§{current%"§{current##*["$breaks"]}"}
  COMPREPLY=()
  while IFS=$'\t' read -r value about; do
    case $value in
    :files)
      compopt -o filenames 2>/dev/null
      while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -f -- "§{current#"$prefix"}")
      ;;
    :commands)
      while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -c -- "$current")
      ;;
    ?*) COMPREPLY+=("§{value#"$prefix"}") ;;
    esac
  done < <(rekey __complete -- "§{words[@]:1}" 2>/dev/null)
}
complete -F _rekey rekey
`)

const ZSH = shell(String.raw`#compdef rekey
# zsh completion of rekey; in ~/.zshrc, after compinit: eval "$(rekey completion zsh)"
_rekey() {
  local line
  local -a lines offered
  lines=("§{(@f)$(rekey __complete -- "§{(@Q)words[2,CURRENT-1]}" "§{(Q)PREFIX}" 2>/dev/null)}")
  case §{lines[1]} in
  :files) _files; return ;;
  :commands) _command_names -e; return ;;
  esac
  for line in $lines; do
    [[ -z $line ]] || offered+=("§{§{line%%$'\t'*}//:/\\:}:§{line#*$'\t'}")
  done
  _describe rekey offered
}
if [[ §{zsh_eval_context[-1]} == loadautofunc ]]; then
  _rekey "$@"
else
  compdef _rekey rekey
fi
`)

const FISH =
  shell(String.raw`# fish completion of rekey; in ~/.config/fish/config.fish: rekey completion fish | source
function __rekey_offers
  set -l words (commandline -opc) (commandline -ct)
  for line in (rekey __complete -- $words[2..-1] 2>/dev/null)
    switch $line
      case :files
        __fish_complete_path (commandline -ct)
      case :commands
        __fish_complete_command
      case '*'
        echo $line
    end
  end
end
complete -c rekey -f -a '(__rekey_offers)'
`)

/** `§{` stands for the shell's own `${`, which a template would take for itself. */
function shell(text: string): string {
  return text.replaceAll('§{', '${')
}

export const COMPLETION_SCRIPTS = { bash: BASH, zsh: ZSH, fish: FISH } as const
