// What completion offers, asked as the shells ask, and the scripts run by the shells themselves.
#include "tests/cli/cli_run.h"

#include <cstdlib>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <iterator>

namespace ridge {
namespace {

using test::ridge;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;

/// Candidates without their descriptions.
std::vector<std::string> offered(std::vector<std::string> words) {
  words.insert(words.begin(), "__complete");
  std::istringstream lines(ridge(words).out);
  std::vector<std::string> out;
  for (std::string line; std::getline(lines, line);) out.push_back(line.substr(0, line.find('\t')));
  return out;
}

TEST(Completion, OffersCommandsOptionsAndNames) {
  EXPECT_THAT(offered({"pl"}), ElementsAre("plan"));
  EXPECT_THAT(offered({""}), IsSupersetOf({"list", "compare", "help"}));
  EXPECT_THAT(offered({"help", "val"}), ElementsAre("validate"));
  EXPECT_THAT(offered({"plan", "--js"}), ElementsAre("--json"));
  EXPECT_THAT(offered({"plan", "llama-3-70b-64"}), ElementsAre("llama-3-70b-64-h100", ":files"));
  EXPECT_THAT(offered({"list", "mod"}), ElementsAre("models"));
  EXPECT_THAT(offered({"schema", "inf"}), ElementsAre("inference"));
  EXPECT_THAT(offered({"no-such-command", ""}), IsEmpty());
}

TEST(Completion, OffersTheValuesOfOptionsFromTheSchema) {
  EXPECT_THAT(offered({"train", "x", "--recompute", ""}), ElementsAre("none", "selective", "full"));
  EXPECT_THAT(offered({"train", "x", "--zero", ""}), ElementsAre("0", "1", "2", "3"));
  EXPECT_THAT(offered({"infer", "x", "--on", "dgx-h2"}), ElementsAre("dgx-h200", ":files"));
  EXPECT_THAT(offered({"infer", "x", "--phase=pre"}), ElementsAre("--phase=prefill"));
  EXPECT_THAT(offered({"plan", "x", "--color", "a"}), ElementsAre("auto", "always"));
}

TEST(Completion, OffersKeysAndTheirValues) {
  EXPECT_THAT(offered({"plan", "x", "--set", "parallel.sched"}), ElementsAre("parallel.schedule="));
  EXPECT_THAT(offered({"plan", "x", "--set", "parallel.schedule=zb-h"}),
              ElementsAre("parallel.schedule=zb-h1", "parallel.schedule=zb-h2"));
  EXPECT_THAT(offered({"plan", "x", "--set", "model.hidden"}), Contains("model.hidden_size="));
  EXPECT_THAT(offered({"compare", "a", "+training.recompute=f"}), ElementsAre("+training.recompute=full"));
  EXPECT_THAT(offered({"compare", "a", "b,parallel.zer"}), ElementsAre("b,parallel.zero="));
}

#ifdef RIDGE_EXECUTABLE
/// What a shell prints when it runs `script` with ridge on its path; nothing without that shell.
std::string said_by(const std::string& shell, const std::string& script) {
  if (std::system(("command -v " + shell + " > /dev/null").c_str()) != 0) return {};
  const std::string folder =
      std::string(RIDGE_EXECUTABLE).substr(0, std::string(RIDGE_EXECUTABLE).rfind('/'));
  const std::string path = testing::TempDir() + "ridge-completion-test." + shell;
  std::ofstream(path) << "PATH=" << folder << ":$PATH\n" << script;
  std::system((shell + " " + path + " > " + path + ".out 2>&1").c_str());
  std::ifstream in(path + ".out");
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Completion, BashCompletes) {
  const std::string said = said_by("bash", R"(source <(ridge completion bash)
complete_line() { COMP_LINE=$1; COMP_POINT=${#1}; _ridge; echo "${COMPREPLY[*]}"; }
complete_line "ridge comp"
complete_line "ridge train x --recompute s"
complete_line "ridge plan x --set parallel.schedule=zb-h"
complete_line "ridge infer x --weights gguf:Q4_K"
)");
  if (said.empty()) GTEST_SKIP() << "no bash";
  // Bash replaces what follows the last = or : alone.
  EXPECT_EQ(said, "compare completion\nselective\nzb-h1 zb-h2\nQ4_K_M Q4_K_S\n");
}

TEST(Completion, ZshCompletes) {
  const std::string said = said_by("zsh", R"(zmodload zsh/zpty || { echo no zpty; exit; }
zpty -b shell zsh -f -i
type() { zpty -w -n shell "$1"$'\t'; }
wait_for() {  # until the terminal shows it, a minute at most: a busy machine takes its time
  local seen= more
  for i in {1..3000}; do
    while zpty -r -t shell more; do seen+=$more; done
    [[ $seen != *$1* ]] || { print shown; return }
    sleep 0.02
  done
  print -r -- "not shown: $1 in $seen"
}
zpty -w shell "PATH=$PATH; autoload -U compinit; compinit -u -D; source <(ridge completion zsh); print rea''dy"
wait_for ready
type "ridge vali"; wait_for "ridge validate"
zpty -w -n shell $'\x15'; type "ridge plan x --set parallel.sched"; wait_for "parallel.schedule="
zpty -w -n shell $'\x15'; type "ridge infer x --phase=de"; wait_for "--phase=decode"
zpty -d shell
)");
  if (said.empty() || said == "no zpty\n") GTEST_SKIP() << "no zsh with zpty";
  EXPECT_EQ(said, "shown\nshown\nshown\nshown\n");
}
#endif

}  // namespace
}  // namespace ridge
