#pragma once
/// Turns yaml-cpp's parse events into a Node tree and refuses what our subset leaves out.  A detail
/// of read_document; the only other user of yaml-cpp is read_document.cpp.

#include "base/document.h"

#include <map>
#include <unordered_map>
#include <yaml-cpp/eventhandler.h>

namespace ridge {

/// Deepest nesting of maps and lists.
inline constexpr std::size_t max_depth = 100;

class TreeBuilder : public YAML::EventHandler {
 public:
  /// Thrown to leave yaml-cpp's parser early; the reason is already reported.
  struct Stop {};

  /// `text` is what yaml-cpp parses; its locations are those of `source`.
  TreeBuilder(const std::string& text, const SourcePtr& source, Diagnostics& diagnostics)
      : text_(text), source_(source), diagnostics_(diagnostics) {}
  Node take_root() { return std::move(root_); }
  /// From now on any further document is an error.
  void expect_no_more() { is_complete_ = true; }
  bool is_stopped() const { return is_stopped_; }

  void OnDocumentStart(const YAML::Mark&) override;
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override;
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override;
  void OnScalar(const YAML::Mark&, const std::string& tag, YAML::anchor_t, const std::string& value) override;
  void OnSequenceStart(const YAML::Mark&, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override;
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark&, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override;
  void OnMapEnd() override { close(); }

 private:
  /// A map or list being filled.
  struct Open {
    Node node;
    YAML::anchor_t anchor = 0;
    std::size_t first_count = 0;  ///< nodes counted before this one
    bool has_key = false;         ///< maps: the key was read, its value comes next
    bool drop = false;            ///< maps: the coming value belongs to a refused key
    std::string key;
    Span key_span;
    std::unordered_map<std::string, std::size_t> seen;  ///< large maps: entry of each key
  };
  struct Anchor {
    Node node;
    std::size_t count;
  };

  Span span(const YAML::Mark&, std::size_t length = 1) const;
  /// Bytes of a quoted or block scalar's first line; npos when its quote is never closed.
  std::size_t quoted_length(const YAML::Mark&) const;
  void open(Node::Kind, const YAML::Mark&, const std::string& tag, YAML::anchor_t);
  void close();
  void refuse_tag(const std::string& tag, const Span&);
  /// Counts nodes and stops the parse beyond max_nodes.
  void count(std::size_t nodes, const Span&);
  void take_key(std::string text, bool quoted, Span);
  bool key_expected() const { return !open_.empty() && open_.back().node.is_map() && !open_.back().has_key; }
  void refuse_key(const char* why, const Span&);
  /// The entry of an open map that already has this key, or null.
  const Node::Entry* find_entry(Open&, const std::string& key);
  void put(Node, YAML::anchor_t, std::size_t nodes);
  [[noreturn]] void stop(std::string code, std::string message, Span);

  const std::string& text_;
  SourcePtr source_;
  Diagnostics& diagnostics_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Anchor> anchors_;
  Node root_;
  std::size_t count_ = 0;
  bool is_complete_ = false, is_stopped_ = false;
};

/// Parses a text whose locations are those of `source`.
Node parse_yaml(const std::string& text, const SourcePtr& source, Diagnostics&);
/// False, and reported, when the text is too long, holds a NUL byte or is not UTF-8.  yaml-cpp would
/// take some such texts for UTF-16 and stop at the others.
bool is_readable_text(const SourcePtr&, Diagnostics&);
/// False, and reported at its end, when a text that starts like JSON ends inside of a bracket or a quote.
bool is_complete_json(const SourcePtr&, Diagnostics&);
/// Position of the first byte that is NUL or not UTF-8, or npos.
std::size_t first_bad_byte(const std::string& text);
bool starts_like_json(const std::string& text);
/// JSON writes characters beyond U+FFFF as two \u escapes, which YAML does not know: in a text that
/// starts like JSON, joins each pair into one \U escape.  Columns behind one are then short by 2.
std::string without_surrogates(const std::string& text);
/// Location of a byte of a source.
Span span_at(const SourcePtr&, std::size_t position, int length);

}  // namespace ridge
