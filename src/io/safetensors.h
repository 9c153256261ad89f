#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/result.h"

namespace coppice::io {

/// A tensor of a safetensors container. The bytes are little-endian and row-major.
struct StoredTensor {
  std::string dtype;  ///< "F32", "I32", "I8", "U8"; a reader also lets other known types pass.
  std::vector<int64_t> shape;
  std::string_view bytes;  ///< Owned by whoever holds the file (or the values to be written).
};

/// A safetensors container: 8 bytes of little-endian header length, a JSON header that gives each
/// tensor's type, shape and place, then the tensors' bytes without gaps
/// (https://github.com/huggingface/safetensors, "Format").
struct SafeTensors {
  std::map<std::string, std::string> metadata;
  std::map<std::string, StoredTensor> tensors;
};

/// The container as bytes. Wider types come first, so that every tensor is aligned.
Result<std::string> write_safetensors(const SafeTensors& container);

/// Parses a container whose bytes outlive the result. Anything that the format does not allow
/// (truncation, gaps, overlaps, sizes that do not fit shapes) is an error that says where.
Result<SafeTensors> read_safetensors(std::string_view bytes);

}  // namespace coppice::io
