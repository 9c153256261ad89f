#include "coppice/sweep/journal.h"

#include <gtest/gtest.h>

#include <fstream>

#include "coppice/core/file.h"
#include "sweep/tiny_data.h"

namespace coppice::sweep {
namespace {

void write(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

TEST(Journal, KeepsWhatWasAppended) {
  const testing::TemporaryFolder folder("journal_keeps");
  const auto path = folder.path() / "results.jsonl";
  for (int i = 0; i < 3; ++i) {
    auto journal = Journal::open(path);
    ASSERT_TRUE(journal.ok()) << journal.error().message;
    ASSERT_EQ(journal->records().size(), static_cast<size_t>(i));
    ASSERT_TRUE(journal->append({{"trial_id", std::to_string(i)}, {"text", "line\nfeed"}}).ok());
  }
  const auto records = Journal::read(path);
  ASSERT_TRUE(records.ok());
  EXPECT_EQ((*records)[2]["trial_id"], "2");
  EXPECT_EQ((*records)[0]["text"], "line\nfeed");
}

// Whatever the length to which a stop cut the file, opening it again and appending the records that
// are missing gives the whole file.
TEST(Journal, RecoversFromATruncationAtEveryByte) {
  const testing::TemporaryFolder folder("journal_cut");
  const auto path = folder.path() / "results.jsonl";
  std::vector<Json> records;
  for (int i = 0; i < 3; ++i) {
    records.push_back(
        {{"trial_id", "id" + std::to_string(i)}, {"x", 0.1 * i}, {"deep", {{"y", {i}}}}});
  }
  std::string whole;
  for (const Json& record : records) whole += record.dump() + "\n";
  for (size_t length = 0; length <= whole.size(); ++length) {
    write(path, whole.substr(0, length));
    auto journal = Journal::open(path);
    ASSERT_TRUE(journal.ok()) << "at byte " << length << ": " << journal.error().message;
    const size_t kept = journal->records().size();
    for (size_t i = kept; i < records.size(); ++i) ASSERT_TRUE(journal->append(records[i]).ok());
    const auto text = read_file(path);
    ASSERT_TRUE(text.ok());
    ASSERT_EQ(*text, whole) << "at byte " << length;
  }
}

TEST(Journal, ALastLineOfGarbageIsRemoved) {
  const testing::TemporaryFolder folder("journal_garbage");
  const auto path = folder.path() / "results.jsonl";
  write(path, "{\"a\":1}\n" + std::string(5, '\0') + "\n");
  const auto journal = Journal::open(path);
  ASSERT_TRUE(journal.ok()) << journal.error().message;
  EXPECT_EQ(journal->records().size(), 1u);
  EXPECT_EQ(*read_file(path), "{\"a\":1}\n");
}

TEST(Journal, ADamagedLineBeforeTheLastIsAnError) {
  const testing::TemporaryFolder folder("journal_damaged");
  const auto path = folder.path() / "results.jsonl";
  write(path, "{\"a\":1}\n{\"a\n{\"a\":2}\n");
  const auto journal = Journal::open(path);
  ASSERT_FALSE(journal.ok());
  EXPECT_EQ(journal.error().message,
            path.string() + ":2: this line is not a record (a JSON object)");
  EXPECT_EQ(read_file(path)->size(), 20u);  // Left as it was, for a person to look at.
}

TEST(Journal, OneSweepAtATimeInAFolder) {
  const testing::TemporaryFolder folder("journal_lock");
  {
    const auto first = FolderLock::take(folder.path() / "run");
    ASSERT_TRUE(first.ok());
    const auto second = FolderLock::take(folder.path() / "run");
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().message,
              "another sweep is running in " + (folder.path() / "run").string());
  }
  EXPECT_TRUE(FolderLock::take(folder.path() / "run").ok());
}

}  // namespace
}  // namespace coppice::sweep
