#include "base/yaml/read_document.h"

#include <algorithm>
#include <fmt/format.h>

namespace ridge {
namespace {

bool is_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

bool is_plain_char(char c) {
  return is_alnum(c) || std::string_view("_./+-@()=;^$").find(c) != std::string_view::npos;
}

/// True when the text may stand without quotes and is read back as the same scalar.
bool is_plain(const std::string& s) {
  if (s.empty() || s == "null" || s == "Null" || s == "NULL" || s == "~" || s.starts_with("---") ||
      s.starts_with("..."))
    return false;
  if (!is_alnum(s[0]) && s[0] != '_' && s[0] != '/' && s[0] != '.' &&
      !((s[0] == '-' || s[0] == '+') && s.size() > 1 && is_alnum(s[1])))
    return false;
  if (!is_plain_char(s.back())) return false;
  for (std::size_t i = 0; i < s.size(); ++i) {
    const bool inside =
        s[i] == ' ' || s[i] == '%' || s[i] == ',' || (s[i] == ':' && s[i + 1] != ' ' && s[i + 1] != ',');
    if (!inside && !is_plain_char(s[i])) return false;
  }
  return true;
}

std::string escaped(const std::string& s) {
  std::string out = "\"";
  for (char c : s) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') (out += '\\') += c;
    else if (c == '\n') out += "\\n";
    else if (c == '\t') out += "\\t";
    else if (byte < 0x20 || byte == 0x7F) out += fmt::format("\\x{:02x}", byte);
    else out += c;
  }
  return out + '"';
}

std::string scalar_text(const std::string& s, bool quoted) { return !quoted && is_plain(s) ? s : escaped(s); }

void write(const Node& n, std::size_t indent, bool after_dash, std::string& out);

/// "key:", or "? key" and ":" on its own line for keys that YAML finds too long for one line.
void write_key(const std::string& key, std::size_t indent, std::string& out) {
  constexpr std::size_t longest = 1000;
  const std::string text = scalar_text(key, false);
  if (text.size() > longest) ((out += "? ") += text + '\n').append(indent, ' ');
  else out += text;
  out += ':';
}

void write_map(const Node& n, std::size_t indent, bool after_dash, std::string& out) {
  for (auto& e : n.entries) {
    if (!after_dash) out.append(indent, ' ');
    after_dash = false;
    write_key(e.key, indent, out);
    write(e.value, indent + 2, false, out);
  }
}

void write_sequence(const Node& n, std::size_t indent, bool after_dash, std::string& out) {
  for (auto& item : n.items) {
    if (!after_dash) out.append(indent, ' ');
    after_dash = false;
    out += '-';
    write(item, indent + 2, true, out);
  }
}

/// Writes a value behind "key:" or "-", with its line end.
void write(const Node& n, std::size_t indent, bool after_dash, std::string& out) {
  const bool is_block = (n.is_map() && !n.entries.empty()) || (n.is_sequence() && !n.items.empty());
  if (!is_block) {
    out += n.is_null()       ? " null"
           : n.is_map()      ? " {}"
           : n.is_sequence() ? " []"
                             : ' ' + scalar_text(n.text, n.quoted);
    out += '\n';
    return;
  }
  out += after_dash ? ' ' : '\n';
  if (n.is_map()) write_map(n, indent, after_dash, out);
  else write_sequence(n, indent, after_dash, out);
}

}  // namespace

std::string write_yaml(const Node& n) {
  std::string out;
  if (n.is_map() && !n.entries.empty()) write_map(n, 0, false, out);
  else if (n.is_sequence() && !n.items.empty()) write_sequence(n, 0, false, out);
  else {
    write(n, 0, false, out);
    out.erase(0, 1);
  }
  return out;
}

}  // namespace ridge
