#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>

#include "coppice/core/file.h"
#include "coppice/core/process.h"
#include "coppice/report/report.h"
#include "coppice/report/write_figures.h"
#include "report/fixture.h"
#include "report/page.h"

namespace coppice::report {
namespace {

using testing::Json;
using testing::RunFolder;

/// Sets an environment variable for the test's length.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    ::setenv(name, value.c_str(), 1);
  }
  ~Environment() {
    if (before_) {
      ::setenv(name_, before_->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

std::string read(const std::filesystem::path& path) {
  const auto text = read_file(path);
  EXPECT_TRUE(text.ok());
  return text.ok() ? *text : "";
}

/// The JSON that the page's script reads.
Json page_data(const std::string& html) {
  const std::string start = "id=\"report-data\">";
  const size_t begin = html.find(start) + start.size();
  return Json::parse(html.substr(begin, html.find("</script>", begin) - begin));
}

TEST(WriteReport, HoldsEveryTrialAndFigure) {
  RunFolder folder("page");
  testing::write_run(folder);
  folder.write("vega.js", "globalThis.vega = {};");
  Environment vega("COPPICE_VEGA_JS", (folder.path() / "vega.js").string());
  const auto status = write_report(folder.path());
  ASSERT_TRUE(status.ok()) << status.error().message;
  const std::string html = read(folder.path() / "report.html");
  EXPECT_EQ(count(html, "<tr class=\"group"), 16u);
  EXPECT_EQ(count(html, "<tr class=\"seed"), 48u);
  EXPECT_EQ(count(html, "class=\"plot\""), 4u);
  EXPECT_NE(html.find("layer conv_3: sparsity 0.999 leaves no weight"), std::string::npos);
  EXPECT_NE(html.find("36,923"), std::string::npos);
  EXPECT_NE(html.find("coppice sweep configs/kws_demo.json"), std::string::npos);
  EXPECT_NE(html.find("globalThis.vega = {};"), std::string::npos);
  for (const auto& record : testing::sweep_records()) {
    EXPECT_NE(html.find(record.at("trial_id").get<std::string>()), std::string::npos);
  }
  const auto data = page_data(html);
  ASSERT_EQ(data.at("figures").size(), 4u);
  EXPECT_EQ(data.at("groups").size(), 16u);
  EXPECT_EQ(data["figures"][0]["spec"]["scales"][0]["type"], "log");
  EXPECT_EQ(data["figures"][0]["spec"]["data"][0]["values"].size(), 16u);
  EXPECT_EQ(count(read(folder.path() / "results.csv"), "\r\n"), 50u);
}

TEST(WriteReport, NothingCanCloseAScriptOrOpenAnElement) {
  RunFolder folder("escape");
  const std::string evil = "</script><script>alert(1)</script><!--<b onclick='x'>\"&";
  Json good = {{"trial_id", evil},
               {"seed", 1},
               {"arch", evil},
               {"dataset", evil},
               {"test_accuracy", 0.5},
               {"flash_bytes", 10},
               {"config./steps/0/a<i>/b", 1}};
  Json other = good;
  other["arch"] = evil + "2";
  other["trial_id"] = evil + "3";
  other["config./steps/0/a<i>/b"] = "<img>";
  Json bad = {{"trial_id", evil + "4"}, {"status", "failed"}, {"error", evil}, {"arch", evil}};
  folder.write("results.jsonl", testing::to_lines({good, other, bad}));
  folder.write("config.resolved.json", Json{{"name", evil}}.dump());
  folder.write("env.json", Json{{"cpu", evil}, {evil, evil}, {"command", evil}}.dump());
  for (const char* vega : {"vega.js", "none.js"}) {
    folder.write("vega.js", "globalThis.vega = {};");
    Environment path("COPPICE_VEGA_JS", (folder.path() / vega).string());
    const auto status = write_report(folder.path());
    ASSERT_TRUE(status.ok()) << status.error().message;
    const std::string html = read(folder.path() / "report.html");
    EXPECT_EQ(html.find("alert(1)</"), std::string::npos);
    EXPECT_EQ(html.find("<script>alert"), std::string::npos);
    EXPECT_EQ(html.find("<!--"), std::string::npos);
    EXPECT_EQ(html.find("<b "), std::string::npos);
    EXPECT_EQ(html.find("<i>"), std::string::npos);
    EXPECT_EQ(html.find("<img"), std::string::npos);
    EXPECT_EQ(count(html, "<script"), count(html, "</script>"));
    if (std::string(vega) == "vega.js") {
      EXPECT_EQ(page_data(html)["groups"][0]["trials"], "trials " + evil);
    }
  }
}

TEST(WriteReport, FallsBackToSvgWithoutVega) {
  RunFolder folder("fallback");
  testing::write_run(folder);
  Environment vega("COPPICE_VEGA_JS", "/nowhere/vega.js");
  ASSERT_TRUE(write_report(folder.path()).ok());
  const std::string html = read(folder.path() / "report.html");
  EXPECT_EQ(count(html, "<svg "), 4u);
  EXPECT_NE(html.find("/nowhere/vega.js"), std::string::npos);
  // 16 + 16 + 16 + 8 points with a tooltip each, 4 pictures' titles and the page's.
  EXPECT_EQ(count(html, "<title>"), 61u);
}

TEST(WriteReport, ToleratesMissingKeysAndFiles) {
  RunFolder folder("sparse_keys");
  folder.write("results.jsonl",
               "{\"trial_id\": \"a\"}\n{\"test_accuracy\": 0.5, \"flash_bytes\": null}\n");
  const auto status = write_report(folder.path());
  ASSERT_TRUE(status.ok()) << status.error().message;
  folder.write("results.jsonl", testing::to_lines({testing::failed_record()}));
  ASSERT_TRUE(write_report(folder.path()).ok());
  EXPECT_NE(read(folder.path() / "report.html").find("No trial ended well"), std::string::npos);
}

TEST(WriteReport, SaysWhatIsWrongWithTheFolder) {
  const auto missing = write_report(std::filesystem::path("/nowhere/run"));
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.error().message.find("/nowhere/run"), std::string::npos);
  RunFolder folder("wrong");
  EXPECT_NE(write_report(folder.path()).error().message.find("results.jsonl"), std::string::npos);
  folder.write("results.jsonl", "");
  EXPECT_NE(write_report(folder.path()).error().message.find("no finished trial"),
            std::string::npos);
  folder.write("results.jsonl", "{\"seed\": 1}\n");
  folder.write("env.json", "{\"cpu\": ");
  EXPECT_NE(write_report(folder.path()).error().message.find("env.json"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "report.html"));
}

TEST(Vega, InstalledModulesMakeOneScript) {
  if (!std::filesystem::exists("/usr/share/javascript/vega"))
    GTEST_SKIP() << "libjs-vega is not installed";
  Environment vega("COPPICE_VEGA_JS", "");
  const auto script = load_vega();
  ASSERT_FALSE(script.code.empty()) << script.missing;
  EXPECT_GT(script.code.size(), 300000u);
  EXPECT_EQ(script.code.find("</script"), std::string::npos);
  if (!program_exists("node")) return;
  // Vega's own parser accepts the specification and the view computes a scene.
  RunFolder folder("node");
  const auto groups = group_by_seed(testing::sweep_records());
  const auto figure = make_figures(groups, cost_metrics()).front();
  folder.write("check.js", script.code + "\nconst view = new vega.View(vega.parse(" +
                               vega_figure(figure, make_encoding(groups)).dump() +
                               "), {renderer: 'none'});\n"
                               "view.runAsync().then(() => console.log(view.data('points').length, "
                               "view.scale('x')(10) > 0, view.signal('zoom')));\n");
  const auto run = run_process({"node", (folder.path() / "check.js").string()});
  ASSERT_TRUE(run.ok());
  EXPECT_EQ(run->output, "16 true true\n") << run->errors;
}

TEST(WriteFigures, DrawsEveryFormat) {
  if (!program_exists("gnuplot")) GTEST_SKIP() << "gnuplot is not installed";
  RunFolder folder("figures");
  testing::write_run(folder);
  const auto run = load_run(folder.path());
  ASSERT_TRUE(run.ok());
  FigureOptions options;
  options.formats = {"svg", "pdf", "png"};
  const auto written = write_figures(*run, folder.path() / "it's figures", options);
  ASSERT_TRUE(written.ok()) << written.error().message;
  ASSERT_EQ(written->size(), 15u);
  for (const auto& path : *written) {
    const std::string bytes = read(path);
    const std::string format = path.extension();
    const std::string magic = format == ".svg" ? "<?xml" : format == ".pdf" ? "%PDF" : "\x89PNG";
    EXPECT_EQ(bytes.substr(0, magic.size()), magic) << path;
    EXPECT_GT(bytes.size(), 4000u) << path;
  }
  const std::string svg = read(written->front());
  EXPECT_NE(svg.find("Flash size (KiB)"), std::string::npos);
  EXPECT_NE(svg.find("int8, fine-tuned"), std::string::npos);
  options.formats = {"gif"};
  EXPECT_FALSE(write_figures(*run, folder.path() / "f", options).ok());
}

TEST(ReportVerb, PrintsTheTableAndFailsClearly) {
  const std::string tool = std::string(COPPICE_BINARY_DIR) + "/coppice";
  if (!std::filesystem::exists(tool)) GTEST_SKIP() << tool << " was not built";
  RunFolder folder("verb");
  testing::write_run(folder);
  auto run = run_process({tool, "report", folder.path().string()});
  ASSERT_TRUE(run.ok());
  EXPECT_EQ(run->exit_code, 0) << run->errors;
  EXPECT_EQ(count(run->output, "\n"), 19u);  // Heading, 16 rows, an empty line, the explanation.
  EXPECT_NE(run->errors.find("failed: trial deadbeef"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "report.html"));
  run = run_process({tool, "report", folder.path().string(), "--csv"});
  EXPECT_EQ(count(run->output, "\r\n"), 50u);
  run = run_process({tool, "report", folder.path().string(), "--markdown", "--x", "macs"});
  EXPECT_EQ(count(run->output, "\n"), 18u);
  folder.write("results.jsonl", "{\"seed\": 1}\nnonsense\n");
  run = run_process({tool, "report", folder.path().string()});
  EXPECT_EQ(run->exit_code, 1);
  EXPECT_NE(run->errors.find("results.jsonl:2: "), std::string::npos) << run->errors;
  EXPECT_EQ(run_process({tool, "report", folder.path().string(), "--format", "gif"})->exit_code, 2);
  EXPECT_NE(run_process({tool, "report", "--help"})->output.find("Examples: coppice report"),
            std::string::npos);
}

}  // namespace
}  // namespace coppice::report
