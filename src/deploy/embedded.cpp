#include "deploy/embedded.h"

#include <algorithm>

namespace coppice::deploy {

Result<std::string_view> embedded_text(std::string_view path) {
  const auto& files = embedded_files();
  const auto found = std::find_if(files.begin(), files.end(),
                                  [&](const EmbeddedFile& file) { return file.path == path; });
  if (found == files.end()) {
    return Error{ErrorCode::kNotFound, "this program carries no file " + std::string(path)};
  }
  return found->text;
}

namespace {

// The header of an `#include "coppice/..."` line, else empty.
std::string_view included_header(std::string_view line) {
  constexpr std::string_view directive = "#include \"";
  const size_t begin = line.find_first_not_of(" \t");
  if (begin == std::string_view::npos || line.substr(begin, directive.size()) != directive)
    return {};
  line.remove_prefix(begin + directive.size());
  const auto name = line.substr(0, line.find('"'));
  return name.substr(0, 8) == "coppice/" ? name : std::string_view{};
}

}  // namespace

Result<std::set<std::string>> header_closure(const std::vector<std::string>& headers) {
  std::set<std::string> closure;
  std::vector<std::string> waiting = headers;
  while (!waiting.empty()) {
    const std::string header = waiting.back();
    waiting.pop_back();
    if (!closure.insert(header).second) continue;
    const auto text = embedded_text("include/" + header);
    if (!text.ok()) {
      return Error{ErrorCode::kUnsupported, "firmware cannot include " + header +
                                                ": only freestanding headers are carried along"};
    }
    for (size_t begin = 0; begin < text->size();) {
      const size_t end = std::min(text->find('\n', begin), text->size());
      const auto included = included_header(text->substr(begin, end - begin));
      if (!included.empty()) waiting.emplace_back(included);
      begin = end + 1;
    }
  }
  return closure;
}

}  // namespace coppice::deploy
