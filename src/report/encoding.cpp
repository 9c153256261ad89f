#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "coppice/report/figure.h"

namespace coppice::report {
namespace {

// Okabe and Ito's "Color Universal Design" palette without the yellow, which is too pale for a
// white page; https://jfly.uni-koeln.de/color/
constexpr const char* kOkabeIto[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                     "#e69f00", "#56b4e9", "#000000"};
// Viridis at 0, 1/8, ..., 7/8; its yellow end is left out for the same reason.
constexpr std::array<std::array<double, 3>, 8> kViridis = {{{68, 1, 84},
                                                            {71, 45, 123},
                                                            {59, 82, 139},
                                                            {44, 114, 142},
                                                            {33, 145, 140},
                                                            {40, 174, 128},
                                                            {94, 201, 98},
                                                            {173, 220, 48}}};
constexpr size_t kMostShapes = 4;

std::string viridis(double position) {
  const double place = position * (kViridis.size() - 1);
  const size_t left = std::min(static_cast<size_t>(place), kViridis.size() - 2);
  const double weight = place - static_cast<double>(left);
  std::array<int, 3> mixed{};
  for (size_t c = 0; c < 3; ++c) {
    mixed[c] = static_cast<int>(
        std::lround(kViridis[left][c] * (1 - weight) + kViridis[left + 1][c] * weight));
  }
  return fmt::format("#{:02x}{:02x}{:02x}", mixed[0], mixed[1], mixed[2]);
}

/// One label that says which setting it is of.
std::string full_label(const Channel& channel, size_t label) {
  const std::string& text = channel.labels[label];
  if (channel.key == "finetune_epochs") {
    return text == "none" ? "not fine-tuned" : "fine-tuned " + text;
  }
  const bool of_several = channel.key.find(' ') != std::string::npos;
  const bool speaks_for_itself = channel.key == "executor" || of_several;
  return speaks_for_itself ? text : channel.name + " " + text;
}

/// Two settings as one channel: the pairs that occur, those of one value of the first together.
Channel combined(const Channel& first, const Channel& second) {
  Channel both{"", first.name + ", " + second.name, {}, std::vector<size_t>(first.place.size())};
  for (size_t a = 0; a < first.labels.size(); ++a) {
    for (size_t b = 0; b < second.labels.size(); ++b) {
      const size_t label = both.labels.size();
      bool occurs = false;
      for (size_t group = 0; group < first.place.size(); ++group) {
        if (first.place[group] != a || second.place[group] != b) continue;
        both.place[group] = label;
        occurs = true;
      }
      if (occurs) both.labels.push_back(full_label(first, a) + ", " + full_label(second, b));
    }
  }
  both.key = first.key + " " + second.key;
  return both;
}

}  // namespace

std::vector<std::string> palette(size_t count) {
  std::vector<std::string> colours;
  for (size_t i = 0; i < count; ++i) {
    colours.push_back(count <= std::size(kOkabeIto)
                          ? kOkabeIto[i]
                          : viridis(static_cast<double>(i) / static_cast<double>(count - 1)));
  }
  return colours;
}

Channel make_channel(const std::vector<Group>& groups, const std::string& key,
                     const std::string& name) {
  struct Value {
    Record json;
    std::string label;
  };
  std::vector<Value> values;
  for (const auto& group : groups) {
    const auto found = group.settings.find(key);
    Value value{found == group.settings.end() ? Record() : *found,
                setting_text(key, group.settings)};
    const bool known = std::any_of(values.begin(), values.end(),
                                   [&](const Value& other) { return other.label == value.label; });
    if (!known) values.push_back(std::move(value));
  }
  std::stable_sort(values.begin(), values.end(), [](const Value& a, const Value& b) {
    if (a.json.is_number() && b.json.is_number())
      return a.json.get<double>() < b.json.get<double>();
    return b.json.is_number() && a.json.is_null();
  });
  Channel channel{key, name, {}, {}};
  for (const auto& value : values) channel.labels.push_back(value.label);
  for (const auto& group : groups) {
    const std::string label = setting_text(key, group.settings);
    const auto found = std::find(channel.labels.begin(), channel.labels.end(), label);
    channel.place.push_back(static_cast<size_t>(found - channel.labels.begin()));
  }
  return channel;
}

Encoding make_encoding(const std::vector<Group>& groups, const std::string& x_key) {
  const auto keys = varied_settings(groups);
  const auto names = setting_names(keys);
  const Channel nothing{"", "", {"all"}, std::vector<size_t>(groups.size(), 0)};
  std::vector<Channel> channels;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (keys[i] == "dataset" || keys[i] == x_key) continue;  // Each dataset has its own figures.
    channels.push_back(make_channel(groups, keys[i], names[i]));
  }
  const auto rank = [](const Channel& channel) {
    constexpr const char* kPreferred[] = {"arch", "weight_bits", "config.", "sparsity_requested"};
    for (size_t i = 0; i < std::size(kPreferred); ++i) {
      if (channel.key.rfind(kPreferred[i], 0) == 0) return i;
    }
    return std::size(kPreferred);
  };
  Encoding encoding{channels, nothing, nothing};
  std::stable_sort(encoding.colours.begin(), encoding.colours.end(),
                   [&](const Channel& a, const Channel& b) { return rank(a) < rank(b); });
  if (encoding.colours.empty()) encoding.colours.push_back(nothing);
  const auto is_free = [&](const Channel& channel) {
    return channel.key != encoding.colours.front().key && channel.key != "sparsity_requested" &&
           channel.labels.size() <= kMostShapes;
  };
  auto shape = std::find_if(channels.begin(), channels.end(), [&](const Channel& channel) {
    return channel.key == "finetune_epochs" && is_free(channel);
  });
  if (shape == channels.end()) shape = std::find_if(channels.begin(), channels.end(), is_free);
  if (shape != channels.end()) encoding.shape = *shape;
  for (const auto& channel : channels) {
    if (!is_free(channel) || shape->key == channel.key) continue;
    if (auto both = combined(encoding.shape, channel); both.labels.size() <= kMostShapes) {
      encoding.shape = std::move(both);
    }
  }
  for (const auto& channel : channels) {
    if (channel.key == "sparsity_requested") encoding.order = channel;
  }
  return encoding;
}

}  // namespace coppice::report
