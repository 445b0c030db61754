#pragma once
/// Problems of user input as values: located, explained, collected.  Nothing here prints or throws.
///
///   presets/hardware/h100-sxm.yaml:14:5: error: unknown key 'bandwith' in 'memory' [unknown-key]
///      14 |     bandwith: 3.35 TB/s
///         |     ^~~~~~~~
///      expected one of: bandwidth, capacity
///      did you mean 'bandwidth'?

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ridge {

/// A text that diagnostics point into: a file, a CSV row's file, or the command line ("--set").
struct Source {
  std::string name;  ///< as the user would open it: "presets/models/gpt2.yaml", "--set", "<stdin>"
  std::string text;  ///< whole content, for the quoted line
};
using SourcePtr = std::shared_ptr<const Source>;

/// Where something was written.  Lines and columns count from 1; 0 means unknown.
struct Span {
  SourcePtr source;
  int line = 0, column = 0, length = 1;
  /// "file:line:column", "file:line" or "file"; "" when there is no source.  Columns count bytes.
  std::string where() const;
  /// The same without the column, as origins and reports cite it.
  std::string where_line() const;
};

enum class Severity { error, warning, note };

struct Diagnostic {
  Severity severity = Severity::error;
  std::string code;     ///< stable, kebab-case: "unknown-key"
  std::string message;  ///< one sentence, no full stop
  Span span;
  std::vector<std::string> expected;  ///< valid alternatives
  std::string suggestion;             ///< nearest valid name, or a text to write instead
};

/// All problems found, in the order found.
class Diagnostics {
 public:
  void add(Diagnostic d) { items_.push_back(std::move(d)); }
  Diagnostic& error(std::string code, std::string message, Span span = {});
  Diagnostic& warning(std::string code, std::string message, Span span = {});
  void append(Diagnostics other);
  bool has_errors() const;
  bool empty() const { return items_.empty(); }
  const std::vector<Diagnostic>& items() const { return items_; }

 private:
  std::vector<Diagnostic> items_;
};

/// The block shown above; `colour` adds ANSI escapes.  Control characters of the input are escaped
/// and quoted lines are cut around the caret to `width` columns, or 160 when it is 0; sentences and lists
/// are broken at blanks to `width`, or not at all when it is 0.
/// Of many diagnostics the first hundred are shown.
std::string render(const Diagnostic&, bool colour = false, int width = 0);
std::string render(const Diagnostics&, bool colour = false, int width = 0);

/// Text made safe for a terminal: control characters, invalid UTF-8 and bidirectional overrides are
/// written as escapes, and what exceeds `limit` bytes is cut.
std::string printable(std::string_view text, std::size_t limit = 60);

/// The candidate with the smallest Damerau-Levenshtein distance (case ignored), if that is at most
/// max(1, length/3); otherwise "".
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace ridge
