#pragma once
/// Fitting UTF-8 text into columns.  Widths are those of a terminal: two columns for East Asian wide
/// characters and emoji, none for combining marks, one for the rest.
///
/// Source  Unicode Standard Annex #11 (East Asian Width); combining blocks of the Unicode character database

#include <string>
#include <string_view>
#include <vector>

namespace ridge {

/// Columns the text takes on a terminal.
int text_width(std::string_view utf8);
/// Padded with blanks to `width`; longer text is returned whole.
std::string pad_left(std::string_view text, int width);
std::string pad_right(std::string_view text, int width);
/// Control characters and what turns the direction of writing as escapes, so that a name from a file
/// cannot speak to the terminal.  Line ends count as control characters here.
std::string safe(std::string_view text);
/// At most `width` columns, cut text ending in an ellipsis ("..." without Unicode).
std::string fit(std::string_view text, int width, bool unicode);
/// Broken at blanks and line ends into lines of at most `width` columns.  A longer word is broken
/// behind one of / . , - _ = + : | where it has one, else anywhere.  Blanks at the start are kept, and
/// "--set key=value" stays together.
std::vector<std::string> wrap(std::string_view text, int width);
/// Lines of a text that has its own layout, each wrapped to `width` and hung below its own indentation.
std::string fold(std::string_view text, int width);
/// The text in ASCII: the signs reports use get a likeness, other characters a question mark.
std::string ascii_text(std::string_view utf8);
/// A horizontal bar of `width` columns filled to `fraction` in eighths of a column, or in whole
/// columns of '#' without Unicode.  Trailing blanks are kept, so that bars align.
std::string bar(double fraction, int width, bool unicode);

}  // namespace ridge
