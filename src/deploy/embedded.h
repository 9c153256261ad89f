#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/result.h"

namespace coppice::deploy {

/// A source file that travels inside the program. Embedded at build time: the firmware's own files
/// under "src/deploy/firmware/" and the freestanding headers under "include/".
struct EmbeddedFile {
  std::string_view path;  ///< Relative to the source tree.
  std::string_view text;
};
const std::vector<EmbeddedFile>& embedded_files();

/// The text of one of them.
Result<std::string_view> embedded_text(std::string_view path);

/// These headers ("coppice/kernels/...") and all that they include, in turn, as include paths. An
/// error names a header that is not freestanding.
Result<std::set<std::string>> header_closure(const std::vector<std::string>& headers);

}  // namespace coppice::deploy
