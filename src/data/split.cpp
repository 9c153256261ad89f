#include "coppice/data/split.h"

#include <string>

#include "data/digest.h"

namespace coppice::data {

std::string_view split_name(Split split) {
  constexpr std::string_view kNames[] = {"train", "validation", "test"};
  return kNames[static_cast<int>(split)];
}

Result<Split> parse_split(std::string_view name) {
  for (const Split split : {Split::kTrain, Split::kValidation, Split::kTest}) {
    if (name == split_name(split)) return split;
  }
  return Error{ErrorCode::kInvalidArgument,
               "unknown split \"" + std::string(name) + "\", expected train, validation or test"};
}

Split hash_split(std::string_view file_name, float validation_percentage, float test_percentage) {
  if (const size_t slash = file_name.rfind('/'); slash != std::string_view::npos) {
    file_name.remove_prefix(slash + 1);
  }
  file_name = file_name.substr(0, file_name.find("_nohash_"));
  const auto digest = digest_bytes("sha1", file_name);
  // The digest modulo 2^27: its last 27 bits, most significant byte first.
  constexpr uint32_t kLargest = (1u << 27) - 1;
  uint32_t bits = 0;
  for (size_t i = digest.size() - 4; i < digest.size(); ++i) bits = bits << 8 | digest[i];
  const double percentage = (bits & kLargest) * (100.0 / kLargest);
  if (percentage < validation_percentage) return Split::kValidation;
  if (percentage < static_cast<double>(validation_percentage) + test_percentage)
    return Split::kTest;
  return Split::kTrain;
}

}  // namespace coppice::data
