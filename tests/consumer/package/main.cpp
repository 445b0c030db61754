// Answers from the installed libraries alone: a model is found among the presets inside them.
#include "sim/io/preset_index.h"

int main() {
  ridge::PresetIndex presets;
  ridge::Diagnostics problems;
  return presets.document(ridge::PresetKind::model, "gpt2", {}, problems) ? 0 : 1;
}
