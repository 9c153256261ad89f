#include <cstdlib>
#include <filesystem>

#include "coppice/core/file.h"
#include "report/page.h"

namespace coppice::report {
namespace {

namespace fs = std::filesystem;

constexpr const char* kBundles[] = {"/usr/share/javascript/vega/vega.min.js",
                                    "/usr/share/nodejs/vega/build/vega.min.js"};
constexpr const char* kModuleFolder = "/usr/share/javascript/vega";

// Debian's libjs-vega has no single vega.min.js: each part is a UMD module. These are the parts
// that the figures need.
constexpr const char* kModules[] = {
    "vega-util",           "vega-time",       "vega-format",         "vega-loader",
    "vega-statistics",     "vega-canvas",     "vega-scale",          "vega-dataflow",
    "vega-scenegraph",     "vega-expression", "vega-selection",      "vega-functions",
    "vega-event-selector", "vega-parser",     "vega-runtime",        "vega-view",
    "vega-transforms",     "vega-encode",     "vega-view-transforms"};

constexpr std::string_view kNotice =
    "/*! Vega, https://vega.github.io, Copyright (c) 2015-2022 University of Washington "
    "Interactive "
    "Data Lab and Vega contributors, BSD-3-Clause. Contains parts of D3, https://d3js.org, "
    "Copyright "
    "2010-2022 Mike Bostock, ISC. */\n";

// A minimal CommonJS: each module is a function of (exports, module, require), run once on demand.
constexpr std::string_view kLoaderHead =
    "(function(){'use strict';var bodies={},loaded={};"
    "function require(name){if(name==='vega-selections')name='vega-selection';"
    "if(!loaded[name]){var module=loaded[name]={exports:{}};"
    "bodies[name].call(globalThis,module.exports,module,require);}"
    "return loaded[name].exports;}\n";
constexpr std::string_view kLoaderTail =
    "var dataflow=require('vega-dataflow');"
    "['vega-transforms','vega-view-transforms','vega-encode'].forEach(function(name){"
    "Object.assign(dataflow.transforms,require(name));});"
    "globalThis.vega={parse:require('vega-parser').parse,View:require('vega-view').View};"
    "})();\n";

Result<std::string> bundle_modules(const fs::path& folder) {
  std::string code(kLoaderHead);
  for (const std::string name : kModules) {
    COPPICE_TRY(const std::string module, read_file(folder / (name + ".min.js")));
    code += "bodies['" + name + "']=function(exports,module,require){\n" + module + "\n};\n";
  }
  return code.append(kLoaderTail);
}

Result<std::string> read_vega(const fs::path& path) {
  return fs::is_directory(path) ? bundle_modules(path) : read_file(path);
}

fs::path installed_vega() {
  for (const char* bundle : kBundles) {
    if (fs::exists(bundle)) return bundle;
  }
  return kModuleFolder;
}

}  // namespace

VegaScript load_vega() {
  const char* forced = std::getenv("COPPICE_VEGA_JS");
  const bool is_forced = forced != nullptr && *forced != '\0';
  const fs::path path = is_forced ? fs::path(forced) : installed_vega();
  const auto code = read_vega(path);
  if (!code.ok()) {
    return {"", is_forced ? "COPPICE_VEGA_JS: " + code.error().message
                          : "Vega is not installed (Debian package libjs-vega)"};
  }
  return {std::string(kNotice) + script_code(*code), ""};
}

std::string script_code(std::string code) {
  // Inside JavaScript "</script" and "<!--" can only be parts of strings, patterns or comments.
  constexpr std::pair<std::string_view, std::string_view> kReplacements[] = {
      {"</script", "<\\/script"}, {"</SCRIPT", "<\\/SCRIPT"}, {"<!--", "<\\!--"}};
  for (const auto& [from, to] : kReplacements) {
    for (size_t place = code.find(from); place != std::string::npos;
         place = code.find(from, place)) {
      code.replace(place, from.size(), to);
      place += to.size();
    }
  }
  return code;
}

std::string script_json(const nlohmann::ordered_json& value) {
  const std::string text = value.dump();
  std::string safe;
  for (char c : text) {
    if (c == '<') {
      safe += "\\u003c";
    } else {
      safe += c;
    }
  }
  return safe;
}

}  // namespace coppice::report
