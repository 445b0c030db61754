#include "cli/completion.h"
#include "cli/session.h"

#include <fmt/format.h>
#include <ostream>

namespace ridge {
namespace {

// Bash breaks words at = and : and replaces the last piece alone, hence the cut before COMPREPLY.
constexpr std::string_view bash_script = R"(# bash completion of ridge:  source <(ridge completion bash)
_ridge() {
  local line=${COMP_LINE:0:COMP_POINT} current kept candidate
  local -a words
  read -ra words <<< "$line"
  [[ $line != *[[:space:]] ]] || words+=("")
  current=${words[-1]}
  kept=${current%"${current##*[=:]}"}
  COMPREPLY=()
  while IFS=$'\t' read -r candidate _; do
    if [[ $candidate == :files ]]; then
      compopt -o filenames 2> /dev/null
      while read -r candidate; do COMPREPLY+=("$candidate"); done < <(compgen -f -- "${current#"$kept"}")
    else
      COMPREPLY+=("${candidate#"$kept"}")
    fi
  done < <("${words[0]}" __complete "${words[@]:1}" 2> /dev/null)
  if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then compopt -o nospace 2> /dev/null; fi
}
complete -F _ridge ridge
)";

constexpr std::string_view zsh_script = R"(#compdef ridge
# zsh completion of ridge:  ridge completion zsh > ~/.zfunc/_ridge
_ridge() {
  local line name
  local -a described unfinished
  local -i files=0
  for line in "${(@f)$("$words[1]" __complete "${(@)words[2,CURRENT-1]}" "$PREFIX" 2> /dev/null)}"; do
    name=${line%%$'\t'*}
    case $name in
      '') ;;
      :files) files=1 ;;
      *=) unfinished+=("$name") ;;
      *) described+=("${name//:/\\:}${${line#$name}/$'\t'/:}") ;;
    esac
  done
  (( $#described == 0 )) || _describe value described
  (( $#unfinished == 0 )) || compadd -S '' -a unfinished
  (( files == 0 )) || _files
}
if [[ $funcstack[1] == _ridge ]]; then _ridge "$@"; else compdef _ridge ridge; fi
)";

}  // namespace

int completion_command(Session& s) {
  const std::string& shell = s.arguments.positional[0];
  if (shell != "bash" && shell != "zsh") {
    say(s, fmt::format("ridge: completion is for bash or zsh, not '{}'\n", printable(shell)));
    return 2;
  }
  s.out << (shell == "bash" ? bash_script : zsh_script);
  return 0;
}

int complete_words(const std::vector<std::string>& words, std::ostream& out) {
  Grammar grammar;
  const PresetIndex presets;
  PresetReader reader(presets);
  for (const Candidate& c : candidates(grammar, reader, words))
    out << c.text << (c.description.empty() ? "" : "\t") << c.description << '\n';
  return 0;
}

}  // namespace ridge
