#include "coppice/prune/rules.h"

#include <fmt/format.h>

#include <charconv>

#include "coppice/core/text.h"

namespace coppice::prune {
namespace {

Error rule_error(std::string_view text, const std::string& what) {
  return Error{ErrorCode::kConfig,
               fmt::format("rule \"{}\": {}; expected a layer pattern, then \"skip\" or "
                           "\"sparsity=\", \"min_sparsity=\", \"max_sparsity=\" with a number in "
                           "[0, 1), such as \"conv_* sparsity=0.5\"",
                           text, what)};
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (true) {
    const size_t begin = text.find_first_not_of(' ');
    if (begin == std::string_view::npos) return words;
    text.remove_prefix(begin);
    const size_t end = std::min(text.find(' '), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

}  // namespace

bool pattern_matches(std::string_view pattern, const Node& node) {
  constexpr std::string_view kOp = "op:";
  if (pattern.substr(0, kOp.size()) == kOp) {
    return glob_match(std::string(pattern.substr(kOp.size())), std::string(op_name(node.op)));
  }
  return glob_match(std::string(pattern), node.name);
}

Result<Rule> parse_rule(std::string_view text) {
  const std::vector<std::string_view> words = words_of(text);
  if (words.size() < 2) return rule_error(text, "it says nothing");
  Rule rule;
  rule.pattern = words[0];
  for (size_t i = 1; i < words.size(); ++i) {
    if (words[i] == "skip") {
      rule.skip = true;
      continue;
    }
    const size_t equals = words[i].find('=');
    const std::string_view key = words[i].substr(0, equals);
    std::optional<double>* target = key == "sparsity"       ? &rule.sparsity
                                    : key == "min_sparsity" ? &rule.min_sparsity
                                    : key == "max_sparsity" ? &rule.max_sparsity
                                                            : nullptr;
    if (target == nullptr || equals == std::string_view::npos) {
      return rule_error(text, fmt::format("\"{}\" is not known", words[i]));
    }
    const std::string_view digits = words[i].substr(equals + 1);
    double value = 0;
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (code != std::errc() || end != digits.data() + digits.size() || !(value >= 0 && value < 1)) {
      return rule_error(text, fmt::format("\"{}\" is not such a number", digits));
    }
    *target = value;
  }
  return rule;
}

}  // namespace coppice::prune
