#pragma once

#include <string_view>

#include "coppice/data/dataset.h"

namespace coppice::data {

/// The published split rule of Speech Commands (Warden, "Speech Commands: a dataset for
/// limited-vocabulary speech recognition", 2018): the SHA-1 of the file name without its folders,
/// cut at "_nohash_", modulo 2^27, scaled to 0..100; below `validation_percentage` is validation,
/// below the sum of both is test. All clips of one speaker fall into the same split.
Split hash_split(std::string_view file_name, float validation_percentage = 10.0f,
                 float test_percentage = 10.0f);

}  // namespace coppice::data
