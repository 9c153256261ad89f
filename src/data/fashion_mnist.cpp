#include <zlib.h>

#include <filesystem>
#include <memory>

#include "data/image_dataset.h"

namespace coppice::data {
namespace {

namespace fs = std::filesystem;

constexpr char kDebianFolder[] = "/usr/share/datasets/fashion-mnist";

// Reads `name` or `name`.gz; zlib passes plain files through.
Result<std::vector<uint8_t>> read_unpacked(const fs::path& folder, const std::string& name,
                                           std::string& path) {
  path = (folder / name).string();
  if (!fs::exists(path)) path += ".gz";
  const std::unique_ptr<gzFile_s, decltype(&gzclose)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (file == nullptr) {
    return Error{ErrorCode::kNotFound, "neither " + name + " nor " + name + ".gz is in " +
                                           folder.string() +
                                           " (Debian package dataset-fashion-mnist)"};
  }
  std::vector<uint8_t> bytes;
  std::vector<uint8_t> piece(1 << 20);
  for (;;) {
    const int count = gzread(file.get(), piece.data(), static_cast<unsigned>(piece.size()));
    if (count > 0) {
      bytes.insert(bytes.end(), piece.begin(), piece.begin() + count);
      continue;
    }
    int code = Z_OK;
    const char* reason = gzerror(file.get(), &code);
    if (count == 0 && (code == Z_OK || code == Z_STREAM_END)) return bytes;
    return Error{ErrorCode::kCorrupt, path + ": broken gzip data after " +
                                          std::to_string(bytes.size()) + " bytes: " + reason};
  }
}

uint32_t big_endian(const std::vector<uint8_t>& bytes, size_t offset) {
  return static_cast<uint32_t>(bytes[offset]) << 24 |
         static_cast<uint32_t>(bytes[offset + 1]) << 16 |
         static_cast<uint32_t>(bytes[offset + 2]) << 8 | bytes[offset + 3];
}

// An IDX file of bytes: magic 0x000008<rank>, the sizes, the values.
Result<std::vector<uint8_t>> read_idx(const fs::path& folder, const std::string& name,
                                      const std::vector<uint32_t>& inner) {
  std::string path;
  COPPICE_TRY(auto bytes, read_unpacked(folder, name, path));
  const auto corrupt = [&](const std::string& what) {
    return Error{ErrorCode::kCorrupt, path + ": " + what};
  };
  const size_t rank = 1 + inner.size();
  const size_t header = 4 + 4 * rank;
  if (bytes.size() < header) {
    return corrupt(std::to_string(bytes.size()) + " bytes are too few for an IDX header of " +
                   std::to_string(header));
  }
  if (big_endian(bytes, 0) != 0x0800 + rank) {
    return corrupt("not an IDX file of unsigned bytes with " + std::to_string(rank) +
                   " axes: magic number " + std::to_string(big_endian(bytes, 0)));
  }
  size_t expected = big_endian(bytes, 4);
  for (size_t axis = 0; axis < inner.size(); ++axis) {
    const uint32_t size = big_endian(bytes, 8 + 4 * axis);
    if (size != inner[axis]) {
      return corrupt("axis " + std::to_string(axis + 1) + " has size " + std::to_string(size) +
                     ", expected " + std::to_string(inner[axis]));
    }
    expected *= size;
  }
  if (bytes.size() - header != expected) {
    return corrupt("holds " + std::to_string(bytes.size() - header) + " values, its header says " +
                   std::to_string(expected));
  }
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(header));
  return bytes;
}

Result<ImageSet> read_set(const fs::path& folder, const std::string& prefix) {
  ImageSet set;
  COPPICE_TRY(set.pixels, read_idx(folder, prefix + "-images-idx3-ubyte", {28, 28}));
  COPPICE_TRY(set.labels, read_idx(folder, prefix + "-labels-idx1-ubyte", {}));
  if (set.pixels.size() != set.labels.size() * 28 * 28) {
    return Error{ErrorCode::kCorrupt,
                 folder.string() + ": " + std::to_string(set.pixels.size() / (28 * 28)) + " " +
                     prefix + " images but " + std::to_string(set.labels.size()) + " labels"};
  }
  for (size_t i = 0; i < set.labels.size(); ++i) {
    if (set.labels[i] > 9) {
      return Error{ErrorCode::kCorrupt, (folder / (prefix + "-labels-idx1-ubyte")).string() +
                                            ": label " + std::to_string(set.labels[i]) +
                                            " at index " + std::to_string(i) + ", expected 0 to 9"};
    }
  }
  return set;
}

}  // namespace

Result<ImageCollection> read_fashion_mnist(const DatasetConfig& config) {
  const fs::path folder = config.path.empty() ? kDebianFolder : config.path;
  ImageCollection images;
  images.name = "fashion_mnist";
  images.shape = {28, 28, 1};
  images.class_names = {"t-shirt", "trouser", "pullover", "dress", "coat",
                        "sandal",  "shirt",   "sneaker",  "bag",   "ankle-boot"};
  images.mean = {0.2860f, 0.0f, 0.0f};
  images.deviation = {0.3530f, 1.0f, 1.0f};
  // Shoes all point one way and shirts are nearly symmetric: flipping adds nothing here.
  images.flip = false;
  COPPICE_TRY(images.train, read_set(folder, "train"));
  COPPICE_TRY(images.test, read_set(folder, "t10k"));
  return images;
}

}  // namespace coppice::data
