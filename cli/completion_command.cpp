#include "cli/session.h"

#include <ostream>

namespace ridge {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& w : words) out += (out.empty() ? "" : " ") + w;
  return out;
}

/// Preset kinds offered as values, by command or option.
constexpr std::string_view values_of = R"(    model:*) offers=$(ridge list models --names 2>/dev/null) ;;
    train:*|infer:*) offers=$(ridge list models --names 2>/dev/null) ;;
    hardware:*) offers=$(ridge list hardware --names 2>/dev/null) ;;
    plan:*|compare:*|explain:*) offers=$(ridge list scenarios --names 2>/dev/null) ;;
    list:*) offers="models hardware software scenarios precision optimizers formats" ;;
    completion:*) offers="bash zsh" ;;
    schema:*) offers="scenario training inference operator parallel measured model hardware device software precision optimizer format" ;;
)";

constexpr std::string_view option_values =
    R"(    --on|--hardware) offers=$(ridge list hardware --names 2>/dev/null) ;;
    --software) offers=$(ridge list software --names 2>/dev/null) ;;
    --precision) offers=$(ridge list precision --names 2>/dev/null) ;;
    --optimizer) offers=$(ridge list optimizers --names 2>/dev/null) ;;
    --weights) offers=$(ridge list formats --names 2>/dev/null) ;;
    --recompute) offers="none selective full" ;;
    --method) offers="full lora qlora" ;;
    --phase) offers="prefill decode request" ;;
    --schedule) offers="1f1b gpipe interleaved-1f1b zb-h1 zb-h2 zbv dualpipe" ;;
    --offload) offers="none optimizer optimizer+parameters" ;;
    --zero) offers="0 1 2 3" ;;
    --color) offers="auto always never" ;;
)";

std::string option_cases(const std::vector<CommandInfo>& commands) {
  std::string out;
  for (const CommandInfo& c : commands)
    out += "      " + c.name + ") offers=\"" + joined(c.options) + "\" ;;\n";
  return out;
}

std::string bash_script(const std::vector<CommandInfo>& commands) {
  std::vector<std::string> names;
  for (const CommandInfo& c : commands) names.push_back(c.name);
  return "# bash completion of ridge:  source <(ridge completion bash)\n"
         "_ridge() {\n"
         "  COMPREPLY=()\n"
         "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} "
         "command=${COMP_WORDS[1]} offers=\n"
         "  if [[ $COMP_CWORD -eq 1 ]]; then\n"
         "    offers=\"" +
         joined(names) +
         " help\"\n"
         "    COMPREPLY=($(compgen -W \"$offers\" -- \"$current\"))\n"
         "    return\n"
         "  fi\n"
         "  case $previous in\n" +
         std::string(option_values) +
         "    --presets|--save) COMPREPLY=($(compgen -f -- \"$current\")); return ;;\n"
         "  esac\n"
         "  if [[ -z $offers && $current == -* ]]; then\n"
         "    case $command in\n" +
         option_cases(commands) +
         "    esac\n"
         "  fi\n"
         "  if [[ -z $offers ]]; then\n"
         "    case $command:$current in\n" +
         std::string(values_of) +
         "    esac\n"
         "    COMPREPLY=($(compgen -f -- \"$current\"))\n"
         "  fi\n"
         "  COMPREPLY+=($(compgen -W \"$offers\" -- \"$current\"))\n"
         "}\n"
         "complete -o filenames -F _ridge ridge\n";
}

std::string zsh_script(const std::vector<CommandInfo>& commands) {
  std::string described;
  for (const CommandInfo& c : commands) {
    std::string help;
    for (char ch : c.help) help += ch == '\'' || ch == ':' ? std::string{} : std::string(1, ch);
    described += "      '" + c.name + ":" + help + "'\n";
  }
  return "#compdef ridge\n"
         "# zsh completion of ridge:  ridge completion zsh > ~/.zfunc/_ridge\n"
         "_ridge() {\n"
         "  local current=${words[CURRENT]} previous=${words[CURRENT-1]} command=${words[2]}\n"
         "  if (( CURRENT == 2 )); then\n"
         "    local -a commands=(\n" +
         described +
         "    )\n"
         "    _describe command commands\n"
         "    return\n"
         "  fi\n"
         "  _ridge_values \"$command\" \"$current\" \"$previous\"\n"
         "}\n"
         "_ridge_values() {\n"
         "  local command=$1 current=$2 previous=$3 offers=\n"
         "  case $previous in\n" +
         std::string(option_values) +
         "    --presets|--save) _files; return ;;\n"
         "  esac\n"
         "  if [[ -z $offers && $current == -* ]]; then\n"
         "    case $command in\n" +
         option_cases(commands) +
         "    esac\n"
         "  fi\n"
         "  if [[ -z $offers ]]; then\n"
         "    case $command:$current in\n" +
         std::string(values_of) +
         "    esac\n"
         "    _files\n"
         "  fi\n"
         "  compadd -- ${=offers}\n"
         "}\n"
         "if [[ $funcstack[1] == _ridge ]]; then _ridge \"$@\"; else compdef _ridge ridge; fi\n";
}

}  // namespace

int completion_command(Session& s) {
  const std::string& shell = s.arguments.positional[0];
  if (shell != "bash" && shell != "zsh") {
    s.err << "ridge: completion is for bash or zsh, not '" << printable(shell) << "'\n";
    return 2;
  }
  const std::vector<CommandInfo> commands = command_infos();
  s.out << (shell == "bash" ? bash_script(commands) : zsh_script(commands));
  return 0;
}

}  // namespace ridge
