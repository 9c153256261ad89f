#include "coppice/sweep/reference.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "coppice/core/file.h"
#include "coppice/sweep/config.h"
#include "coppice/sweep/tables.h"

#if __has_include(<valijson/validator.hpp>)
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>
#define COPPICE_HAVE_VALIJSON 1
#endif

namespace coppice::sweep {
namespace {

const std::filesystem::path kConfigs = std::filesystem::path(COPPICE_SOURCE_DIR) / "configs";

std::string file_text(const std::filesystem::path& path) {
  auto text = read_file(path);
  return text.ok() ? *text : "cannot read " + path.string();
}

std::vector<std::filesystem::path> config_files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(kConfigs)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

TEST(Reference, CheckedInSchemaIsThatOfTheTables) {
  EXPECT_EQ(file_text(kConfigs / "schema/sweep.schema.json"), config_schema().dump(2) + "\n")
      << "run: build/coppice validate --schema > configs/schema/sweep.schema.json";
}

TEST(Reference, CheckedInPageIsThatOfTheTables) {
  EXPECT_EQ(file_text(std::filesystem::path(COPPICE_SOURCE_DIR) / "docs/config.md"),
            config_reference())
      << "run: build/coppice validate --reference > docs/config.md";
}

TEST(Reference, EachFieldHasADocAndAFittingDefault) {
  std::vector<const Table*> tables = {&dataset_table(), &report_table()};
  for (const StepKind& kind : step_kinds()) tables.push_back(kind.table);
  for (const Table* table : tables) {
    for (const Field& field : table->fields()) {
      EXPECT_GT(field.doc.size(), 10u) << table->name() << "." << field.name;
      EXPECT_EQ(explain_misfit(field, field.default_value), "")
          << table->name() << "." << field.name;
    }
  }
}

TEST(Reference, EveryConfigIsAcceptedByTheParser) {
  ASSERT_FALSE(config_files().empty());
  for (const auto& path : config_files()) {
    const auto config = load_config(path);
    ASSERT_TRUE(config.ok()) << config.error().message;
    const auto layers = check_layer_patterns(*config);
    EXPECT_TRUE(layers.ok()) << layers.error().message;
    EXPECT_EQ(config->name, path.stem()) << "a config's file is named as its sweep";
  }
}

#ifdef COPPICE_HAVE_VALIJSON

class SchemaValidator {
 public:
  SchemaValidator() {
    valijson::SchemaParser parser;
    parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(json_), schema_);
  }

  bool accepts(const std::string& text) {
    const auto document = nlohmann::json::parse(text, nullptr, true, /*ignore_comments=*/true);
    valijson::Validator validator;
    return validator.validate(schema_, valijson::adapters::NlohmannJsonAdapter(document), nullptr);
  }

 private:
  nlohmann::json json_ = nlohmann::json(config_schema());
  valijson::Schema schema_;
};

TEST(Schema, EveryConfigIsValid) {
  SchemaValidator validator;
  for (const auto& path : config_files()) EXPECT_TRUE(validator.accepts(file_text(path))) << path;
}

// The same texts through schema and parser: both say yes, or both say no.
TEST(Schema, AgreesWithTheParser) {
  const std::string head = R"({"version": 1, "name": "x", "dataset": {"path": "d"}, )";
  const std::string model = R"("model": {"arch": "tiny_conv"}, )";
  const std::pair<std::string, bool> cases[] = {
      {head + model + R"("steps": [{"train": {}}]})", true},
      {head + model + R"("steps": [{"train": {"epochs": {"values": [1, 2]}}}]})", true},
      {head + model + R"("steps": [{"train": {"learning_rate": {"min": 1, "max": 2, "n": 3}}}]})",
       true},
      {head + model +
           R"("steps": [{"prune": {"layers": {"values": [["fc"], []]}}}], "seeds": [1]})",
       true},
      {head + R"("model": {"layers": [{"op": "flatten"}], "name": "m"}, "steps": [{"train": {}}]})",
       true},
      {head + R"("model": {}, "steps": [{"train": {}}]})", false},
      {head + R"("model": {"arch": "lenet", "file": "f"}, "steps": [{"train": {}}]})", false},
      {head + R"("model": {"arch": "lenett"}, "steps": [{"train": {}}]})", false},
      {head + model + R"("steps": []})", false},
      {head + model + R"("steps": [{"train": {}, "prune": {}}]})", false},
      {head + model + R"("steps": [{"trian": {}}]})", false},
      {head + model + R"("steps": [{"train": {"epoch": 1}}]})", false},
      {head + model + R"("steps": [{"train": {"epochs": "1"}}]})", false},
      {head + model + R"("steps": [{"train": {"epochs": -1}}]})", false},
      {head + model + R"("steps": [{"train": {"epochs": {"values": []}}}]})", false},
      {head + model + R"("steps": [{"train": {"epochs": {"values": [1, 1]}}}]})", false},
      {head + model + R"("steps": [{"train": {"learning_rate": 0}}]})", false},
      {head + model + R"("steps": [{"prune": {"sparsity": 1}}]})", false},
      {head + model + R"("steps": [{"prune": {"sparsity": 0.99}}]})", true},
      {head + model + R"("steps": [{"quantize": {"weight_bits": {"min": 8, "max": 32, "n": 2}}}]})",
       false},
      {head + model + R"("steps": [{"train": {}}], "seeds": []})", false},
      {head + model + R"("steps": [{"train": {}}], "seeds": 3})", false},
      {head + model + R"("steps": [{"train": {}}], "extra": 3})", false},
      {R"({"version": 1, "name": ".x", "dataset": {"path": "d"}, )" + model +
           R"("steps": [{"train": {}}]})",
       false},
      {R"({"name": "x", "dataset": {"path": "d"}, )" + model + R"("steps": [{"train": {}}]})",
       false},
  };
  SchemaValidator validator;
  for (const auto& [text, valid] : cases) {
    EXPECT_EQ(validator.accepts(text), valid) << text;
    EXPECT_EQ(parse_config(text, "x").ok(), valid) << text;
  }
}

#endif

}  // namespace
}  // namespace coppice::sweep
