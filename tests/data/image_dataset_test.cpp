#include <gtest/gtest.h>
#include <zlib.h>

#include <set>

#include "coppice/core/file.h"
#include "coppice/data/dataset.h"
#include "data/temp_folder.h"
#include "shared_data.h"

namespace coppice::data {
namespace {

using coppice::testing::TempFolder;

constexpr size_t kRecord = 3073;

// Record i has label i % 10; its planes are constant: red 10 + i, green 50 + i, blue 100 + i.
std::string cifar_records(int first, int count) {
  std::string bytes;
  for (int i = first; i < first + count; ++i) {
    bytes += static_cast<char>(i % 10);
    for (const int base : {10, 50, 100}) bytes.append(1024, static_cast<char>(base + i));
  }
  return bytes;
}

DatasetConfig cifar_config(const TempFolder& folder) {
  DatasetConfig config;
  config.type = "cifar10";
  config.path = folder.path();
  return config;
}

std::string error_of(const DatasetConfig& config) {
  const auto dataset = open_dataset(config);
  return dataset.ok() ? "" : dataset.error().message;
}

TEST(Cifar10, ReadsAnyRecordCountAndSplits) {
  TempFolder folder;
  folder.write("data_batch_1.bin", cifar_records(0, 23));
  folder.write("data_batch_2.bin", cifar_records(23, 37));
  folder.write("test_batch.bin", cifar_records(0, 7));
  auto config = cifar_config(folder);
  config.augment = false;
  config.validation_fraction = 0.5f;
  const auto dataset = open_dataset(config);
  ASSERT_TRUE(dataset.ok()) << dataset.error().message;
  const auto& data = **dataset;
  EXPECT_EQ(data.sample_shape(), (Shape{32, 32, 3}));
  EXPECT_EQ(data.class_names().size(), 10u);
  EXPECT_EQ(data.size(Split::kTrain), 30);  // Six records a class, three of them held out.
  EXPECT_EQ(data.size(Split::kValidation), 30);
  EXPECT_EQ(data.size(Split::kTest), 7);
  std::vector<float> x(kRecord - 1);
  std::multiset<int> reds;
  for (const Split split : {Split::kTrain, Split::kValidation}) {
    for (int i = 0; i < data.size(split); ++i) {
      data.sample(split, i, 0, x);
      const int record = static_cast<int>(std::lround((x[0] * 0.2470f + 0.4914f) * 255)) - 10;
      reds.insert(record);
      EXPECT_EQ(data.label(split, i), record % 10);
      for (const size_t pixel : {0u, 500u, 1023u}) {
        const float green = (static_cast<float>(50 + record) / 255.0f - 0.4822f) / 0.2435f;
        const float blue = (static_cast<float>(100 + record) / 255.0f - 0.4465f) / 0.2616f;
        EXPECT_EQ(x[3 * pixel + 1], green);
        EXPECT_EQ(x[3 * pixel + 2], blue);
      }
    }
  }
  EXPECT_EQ(reds.size(), 60u);
  EXPECT_EQ(std::set<int>(reds.begin(), reds.end()).size(), 60u) << "splits share an image";
}

TEST(Cifar10, AugmentationIsAFunctionOfSeedEpochAndIndex) {
  TempFolder folder;
  std::string record(1, '\0');
  for (int i = 0; i < 3072; ++i) record += static_cast<char>(i * 7 + i / 32);
  folder.write("data_batch_1.bin", record);
  folder.write("test_batch.bin", record);
  auto config = cifar_config(folder);
  config.validation_fraction = 0;
  const auto first = open_dataset(config), again = open_dataset(config);
  config.seed = 1;
  const auto other = open_dataset(config);
  ASSERT_TRUE(first.ok() && again.ok() && other.ok());
  std::vector<float> a(3072), b(3072);
  std::set<std::vector<float>> variants;
  bool seeds_differ = false;
  for (int epoch = 0; epoch < 200; ++epoch) {
    (*first)->sample(Split::kTrain, 0, epoch, a);
    (*again)->sample(Split::kTrain, 0, epoch, b);
    EXPECT_EQ(a, b);
    variants.insert(a);
    (*other)->sample(Split::kTrain, 0, epoch, b);
    seeds_differ = seeds_differ || a != b;
    (*first)->sample(Split::kTest, 0, epoch, a);
    (*first)->sample(Split::kTest, 0, 0, b);
    EXPECT_EQ(a, b) << "test images must not vary";
  }
  // 9 x 9 shifts x 2 mirrors; 200 draws of 162 hit about 115.
  EXPECT_GT(variants.size(), 80u);
  EXPECT_LE(variants.size(), 162u);
  EXPECT_TRUE(seeds_differ);
  (*first)->sample(Split::kTrain, 0, kNotAugmented, a);
  (*first)->sample(Split::kTest, 0, 0, b);  // The same record.
  EXPECT_EQ(a, b);
}

TEST(Cifar10, LimitPerClass) {
  TempFolder folder;
  folder.write("data_batch_1.bin", cifar_records(0, 100));
  folder.write("test_batch.bin", cifar_records(0, 50));
  auto config = cifar_config(folder);
  config.limit_per_class = 3;
  config.validation_fraction = 0.2f;
  const auto dataset = open_dataset(config);
  ASSERT_TRUE(dataset.ok());
  EXPECT_EQ((*dataset)->size(Split::kTrain), 30);
  EXPECT_EQ((*dataset)->size(Split::kValidation), 20);
  EXPECT_EQ((*dataset)->size(Split::kTest), 30);
}

TEST(Cifar10, BrokenFilesAreNamed) {
  TempFolder folder;
  EXPECT_NE(error_of(cifar_config(folder)).find("no data_batch_*.bin"), std::string::npos);
  folder.write("data_batch_1.bin", cifar_records(0, 20));
  EXPECT_NE(error_of(cifar_config(folder)).find("test_batch.bin"), std::string::npos);
  folder.write("test_batch.bin", cifar_records(0, 10));
  EXPECT_EQ(error_of(cifar_config(folder)), "");

  folder.write("data_batch_2.bin", cifar_records(0, 3).substr(0, 2 * kRecord + 100));
  auto message = error_of(cifar_config(folder));
  EXPECT_NE(message.find("data_batch_2.bin"), std::string::npos) << message;
  EXPECT_NE(message.find("offset 6146"), std::string::npos) << message;

  auto bad_label = cifar_records(0, 3);
  bad_label[kRecord] = 10;
  folder.write("data_batch_2.bin", bad_label);
  message = error_of(cifar_config(folder));
  EXPECT_NE(message.find("label 10 at offset 3073"), std::string::npos) << message;

  folder.write("data_batch_2.bin", "");
  EXPECT_NE(error_of(cifar_config(folder)).find("empty"), std::string::npos);

  auto config = cifar_config(folder);
  config.skip_bad = true;
  const auto dataset = open_dataset(config);
  ASSERT_TRUE(dataset.ok());
  ASSERT_EQ((*dataset)->skipped().size(), 1u);
  EXPECT_NE((*dataset)->skipped()[0].path.find("data_batch_2.bin"), std::string::npos);
  EXPECT_EQ((*dataset)->size(Split::kTrain) + (*dataset)->size(Split::kValidation), 20);
}

std::string idx(const std::vector<uint32_t>& sizes, const std::string& values) {
  std::string bytes{0, 0, 8, static_cast<char>(sizes.size())};
  for (const uint32_t size : sizes) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(size >> shift);
  }
  return bytes + values;
}

std::string gzipped(const TempFolder& folder, const std::string& bytes) {
  const auto path = folder / "packed";
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
  return *read_file(path);
}

struct FashionFolder : TempFolder {
  FashionFolder() {
    for (int i = 0; i < 30; ++i) {
      images.append(784, static_cast<char>(i * 8));
      labels += static_cast<char>(i % 10);
    }
    write("train-images-idx3-ubyte.gz", gzipped(*this, idx({30, 28, 28}, images)));
    write("train-labels-idx1-ubyte", idx({30}, labels));
    write("t10k-images-idx3-ubyte", idx({30, 28, 28}, images));
    write("t10k-labels-idx1-ubyte.gz", gzipped(*this, idx({30}, labels)));
    config.type = "fashion_mnist";
    config.path = path();
  }
  std::string images, labels;
  DatasetConfig config;
};

TEST(FashionMnist, ReadsGzipAndPlain) {
  FashionFolder folder;
  const auto dataset = open_dataset(folder.config);
  ASSERT_TRUE(dataset.ok()) << dataset.error().message;
  EXPECT_EQ((*dataset)->sample_shape(), (Shape{28, 28, 1}));
  EXPECT_EQ((*dataset)->size(Split::kTest), 30);
  std::vector<float> x(784);
  for (int i = 0; i < 30; ++i) {
    (*dataset)->sample(Split::kTest, i, 0, x);
    EXPECT_EQ(x[391], (static_cast<float>(i * 8) / 255.0f - 0.2860f) / 0.3530f);
    EXPECT_EQ((*dataset)->label(Split::kTest, i), i % 10);
  }
}

TEST(FashionMnist, BrokenFilesAreNamed) {
  FashionFolder folder;
  const auto expect = [&](const std::string& file, const std::string& bytes, const char* reason) {
    const auto before = *read_file(folder / file);
    folder.write(file, bytes);
    const auto message = error_of(folder.config);
    EXPECT_NE(message.find(reason), std::string::npos) << message;
    EXPECT_NE(message.find(file), std::string::npos) << message;
    folder.write(file, before);
  };
  const auto packed = *read_file(folder / "train-images-idx3-ubyte.gz");
  expect("train-images-idx3-ubyte.gz", packed.substr(0, packed.size() / 2), "gzip");
  auto flipped = packed;
  flipped[packed.size() - 6] = static_cast<char>(flipped[packed.size() - 6] ^ 1);
  expect("train-images-idx3-ubyte.gz", flipped, "gzip");
  expect("t10k-images-idx3-ubyte", idx({30, 28, 28}, folder.images.substr(1)), "values");
  expect("t10k-images-idx3-ubyte", idx({30, 28, 27}, folder.images), "axis 2 has size 27");
  expect("t10k-images-idx3-ubyte", "", "too few");
  expect("t10k-images-idx3-ubyte", "this is no IDX file at all", "magic");
  expect("train-labels-idx1-ubyte", idx({30}, std::string(30, '\x0b')), "label 11 at index 0");
  folder.write("train-labels-idx1-ubyte", idx({29}, folder.labels.substr(1)));
  EXPECT_NE(error_of(folder.config).find("30 train images but 29 labels"), std::string::npos);
  std::filesystem::remove(folder / "train-labels-idx1-ubyte");
  EXPECT_NE(error_of(folder.config).find("train-labels-idx1-ubyte.gz"), std::string::npos);
}

TEST(FashionMnist, DebianPackage) {
  if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist")) {
    GTEST_SKIP() << "package dataset-fashion-mnist is not installed";
  }
  DatasetConfig config;
  config.type = "fashion_mnist";
  const auto dataset = open_dataset(config);
  ASSERT_TRUE(dataset.ok()) << dataset.error().message;
  EXPECT_EQ((*dataset)->size(Split::kTrain), 54000);
  EXPECT_EQ((*dataset)->size(Split::kValidation), 6000);
  EXPECT_EQ((*dataset)->size(Split::kTest), 10000);
  double sum = 0;
  std::vector<float> x(784);
  for (int i = 0; i < 2000; ++i) {
    (*dataset)->sample(Split::kValidation, i, 0, x);
    for (const float value : x) sum += value;
  }
  // Standardized pixels; 1.6 million of them, strongly correlated within an image.
  EXPECT_NEAR(sum / (2000 * 784), 0.0, 0.05);
}

TEST(Cifar10, SharedSubset) {
  COPPICE_REQUIRE_SHARED(path, "data/cifar10");
  DatasetConfig config;
  config.type = "cifar10";
  config.path = path;
  const auto dataset = open_dataset(config);
  ASSERT_TRUE(dataset.ok()) << dataset.error().message;
  EXPECT_EQ((*dataset)->size(Split::kTrain) + (*dataset)->size(Split::kValidation), 15000);
  EXPECT_NEAR((*dataset)->size(Split::kValidation), 1500, 5);
  EXPECT_EQ((*dataset)->size(Split::kTest), 3000);
  EXPECT_EQ((*dataset)->class_names()[3], "cat");
  EXPECT_EQ((*dataset)->label(Split::kTest, 0), 3);  // The first official test image is a cat.
}

}  // namespace
}  // namespace coppice::data
