#include "coppice/data/obtain.h"

#include <gtest/gtest.h>
#include <png.h>

#include "coppice/core/file.h"
#include "coppice/core/process.h"
#include "coppice/core/random.h"
#include "coppice/data/dataset.h"
#include "data/digest.h"
#include "data/http_server.h"
#include "data/temp_folder.h"

namespace coppice::data {
namespace {

namespace fs = std::filesystem;
using coppice::testing::FileServer;
using coppice::testing::TempFolder;

// A small archive in the layout of Speech Commands, and a request for it.
struct ArchiveFolder : TempFolder {
  ArchiveFolder() {
    for (const std::string word : {"no", "yes"}) {
      for (int i = 0; i < 4; ++i) {
        // Noise does not compress: the archive keeps the size of its clips.
        Random random(static_cast<uint64_t>(i), word);
        std::vector<int16_t> pcm(16000);
        for (auto& sample : pcm) sample = static_cast<int16_t>(random.bits() >> 18);
        EXPECT_TRUE(
            io::write_wav(path() / "content" / word / ("s" + std::to_string(i) + "_nohash_0.wav"),
                          pcm, 16000)
                .ok());
      }
    }
    const auto packed = path() / "words.tar.gz";
    const auto run =
        run_process({"tar", "-czf", packed.string(), "-C", (path() / "content").string(), "."});
    EXPECT_TRUE(run.ok() && run->exit_code == 0);
    archive = *read_file(packed);
    request.path = path() / "out" / "speech_commands";
    request.sha256 = *digest_file("sha256", packed);
  }

  void expect_whole() const {
    DatasetConfig config;
    config.path = request.path;
    config.test_only = true;
    const auto dataset = open_dataset(config);
    ASSERT_TRUE(dataset.ok()) << dataset.error().message;
    EXPECT_EQ((*dataset)->size(Split::kTest), 8);
    EXPECT_FALSE(fs::exists(request.path + ".download"));
  }

  std::string archive;
  SpeechCommandsRequest request;
};

#define COPPICE_REQUIRE_CURL() \
  if (!program_exists("curl")) GTEST_SKIP() << "curl is not installed"

TEST(GetSpeechCommands, DownloadsChecksAndUnpacks) {
  COPPICE_REQUIRE_CURL();
  ArchiveFolder folder;
  FileServer server(folder.archive, {});
  folder.request.url = server.url();
  const auto got = get_speech_commands(folder.request);
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_TRUE(*got);
  folder.expect_whole();
  const auto again = get_speech_commands(folder.request);
  ASSERT_TRUE(again.ok());
  EXPECT_FALSE(*again);
  EXPECT_EQ(server.offsets().size(), 1u);
}

TEST(GetSpeechCommands, ResumesWhereTheConnectionWasCut) {
  COPPICE_REQUIRE_CURL();
  ArchiveFolder folder;
  const size_t piece = folder.archive.size() / 3 + 1;
  FileServer server(folder.archive, {.bytes_a_time = piece});
  folder.request.url = server.url();
  const auto got = get_speech_commands(folder.request);
  ASSERT_TRUE(got.ok()) << got.error().message;
  folder.expect_whole();
  EXPECT_EQ(server.offsets(), (std::vector<size_t>{0, piece, 2 * piece}));
}

TEST(GetSpeechCommands, TheNextCallResumes) {
  COPPICE_REQUIRE_CURL();
  ArchiveFolder folder;
  const auto part = fs::path(folder.request.path + ".download") /
                    ("archive-" + folder.request.sha256.substr(0, 12) + ".tar.gz");
  ASSERT_TRUE(write_file_atomic(part, folder.archive.substr(0, 5000)).ok());
  FileServer server(folder.archive, {});
  folder.request.url = server.url();
  ASSERT_TRUE(get_speech_commands(folder.request).ok());
  folder.expect_whole();
  EXPECT_EQ(server.offsets(), (std::vector<size_t>{5000}));
}

TEST(GetSpeechCommands, StartsAgainWhereTheServerCannotResume) {
  COPPICE_REQUIRE_CURL();
  ArchiveFolder folder;
  const auto part = fs::path(folder.request.path + ".download") /
                    ("archive-" + folder.request.sha256.substr(0, 12) + ".tar.gz");
  ASSERT_TRUE(write_file_atomic(part, folder.archive.substr(0, 5000)).ok());
  FileServer server(folder.archive, {.ranges = false});
  folder.request.url = server.url();
  const auto got = get_speech_commands(folder.request);
  ASSERT_TRUE(got.ok()) << got.error().message;
  folder.expect_whole();
}

TEST(GetSpeechCommands, ABadArchiveNeverBecomesADataset) {
  COPPICE_REQUIRE_CURL();
  ArchiveFolder folder;
  auto changed = folder.archive;
  changed[100] = static_cast<char>(changed[100] ^ 1);
  FileServer server(changed, {});
  folder.request.url = server.url();
  const auto got = get_speech_commands(folder.request);
  ASSERT_FALSE(got.ok());
  EXPECT_NE(got.error().message.find("expected " + folder.request.sha256), std::string::npos);
  EXPECT_FALSE(fs::exists(folder.request.path));
}

TEST(GetSpeechCommands, MistakesAreNamed) {
  COPPICE_REQUIRE_CURL();
  ArchiveFolder folder;
  FileServer server(folder.archive, {.status = 404});
  auto request = folder.request;
  request.url = server.url();
  auto got = get_speech_commands(request);
  ASSERT_FALSE(got.ok());
  EXPECT_NE(got.error().message.find("404"), std::string::npos) << got.error().message;
  request.version = 3;
  EXPECT_EQ(get_speech_commands(request).error().code, ErrorCode::kConfig);
  request = folder.request;
  request.sha256 = "abc";
  EXPECT_EQ(get_speech_commands(request).error().code, ErrorCode::kConfig);
  request = folder.request;
  request.path = folder / "content";
  got = get_speech_commands(request);
  ASSERT_FALSE(got.ok());
  EXPECT_NE(got.error().message.find("is not this download"), std::string::npos);
}

void write_sheet(const fs::path& path, const std::vector<uint8_t>& pixels, uint32_t width) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = width;
  image.height = static_cast<uint32_t>(pixels.size()) / (3 * width);
  image.format = PNG_FORMAT_RGB;
  ASSERT_NE(png_image_write_to_file(&image, path.c_str(), 0, pixels.data(), 0, nullptr), 0);
}

// Six sheets of four images; image i has label (3 i) % 10.
struct SheetFolder : TempFolder {
  SheetFolder() {
    std::string labels;
    for (int batch = 0; batch < 6; ++batch) {
      std::vector<uint8_t> pixels(4 * 1024 * 3);
      Random random(static_cast<uint64_t>(batch), "sheet");
      for (auto& value : pixels) value = static_cast<uint8_t>(random.bits());
      sheets.push_back(pixels);
      const auto name = batch < 5 ? "data_batch_" + std::to_string(batch + 1) : "test_batch";
      std::filesystem::create_directories(path() / "package");
      write_sheet(path() / "package" / (name + ".png"), pixels, 1024);
    }
    for (int i = 0; i < 20; ++i) labels += (i == 0 ? "[" : ",") + std::to_string(3 * i % 10);
    write("package/train_lables.json", labels + "]");
    write("package/test_lables.json", "[9,8,7,6]");
    request.path = path() / "out";
    request.source = path() / "package";
    request.check_digests = false;
  }
  std::vector<std::vector<uint8_t>> sheets;
  Cifar10Request request;
};

TEST(MakeCifar10, ConvertsSheetsToRecords) {
  SheetFolder folder;
  const auto expect_records = [&] {
    for (int batch = 0; batch < 5; ++batch) {
      const auto bytes =
          *read_file(folder / ("out/data_batch_" + std::to_string(batch + 1) + ".bin"));
      ASSERT_EQ(bytes.size(), 4u * 3073);
      for (size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(bytes[i * 3073], 3 * (4 * batch + static_cast<int>(i)) % 10);
        for (const size_t pixel : {0u, 17u, 1023u}) {
          for (const size_t channel : {0u, 1u, 2u}) {
            EXPECT_EQ(static_cast<uint8_t>(bytes[i * 3073 + 1 + channel * 1024 + pixel]),
                      folder.sheets[static_cast<size_t>(batch)][(i * 1024 + pixel) * 3 + channel]);
          }
        }
      }
    }
    EXPECT_EQ((*read_file(folder / "out/test_batch.bin"))[3073], 8);
  };
  const auto made = make_cifar10(folder.request);
  ASSERT_TRUE(made.ok()) << made.error().message;
  expect_records();
  EXPECT_FALSE(fs::exists(folder / "out/.unfinished"));

  const auto tarball = folder / "package.tgz";
  const auto run = run_process({"tar", "-czf", tarball.string(), "-C", folder.path(), "package"});
  ASSERT_TRUE(run.ok() && run->exit_code == 0);
  fs::remove_all(folder / "out");
  folder.request.source = tarball;
  ASSERT_TRUE(make_cifar10(folder.request).ok());
  expect_records();
}

TEST(MakeCifar10, MistakesAreNamed) {
  SheetFolder folder;
  const auto expect = [&](const std::string& part) {
    const auto made = make_cifar10(folder.request);
    ASSERT_FALSE(made.ok());
    EXPECT_NE(made.error().message.find(part), std::string::npos) << made.error().message;
  };
  folder.request.check_digests = true;
  expect("the official file has 5dd7e06a14cb22eb9f671a540d1b7c25");
  folder.request.check_digests = false;
  write_sheet(folder / "package/data_batch_2.png", std::vector<uint8_t>(3 * 512 * 8), 512);
  expect("512 pixels wide");
  folder.write("package/data_batch_2.png", "no image");
  expect("data_batch_2.png");
  fs::remove(folder / "package/data_batch_2.png");
  expect("no such file");
  folder.write("package/train_lables.json", "[1, 2, 12]");
  expect("train_lables.json");
  folder.request.source = folder / "nowhere.tgz";
  expect("is not there");
  EXPECT_FALSE(fs::exists(folder / "out/test_batch.bin"));
}

}  // namespace
}  // namespace coppice::data
