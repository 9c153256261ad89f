#include "coppice/sweep/reference.h"

#include <fmt/format.h>

#include "coppice/sweep/tables.h"

namespace coppice::sweep {
namespace {

constexpr const char* kIntroduction = R"(# The config of a sweep

<!-- Made by `coppice validate --reference > docs/config.md`; change src/sweep/ instead. -->

A config is JSON with `//` comments. It is read strictly: an unknown key, a key that stands twice, a
value of the wrong type or out of its range, and a layer pattern that matches nothing are errors
that name line and column. `coppice validate FILE` checks a config without running it. Paths are
taken from the current folder.

```json
{
  "$schema": "schema/sweep.schema.json",
  "version": 1,
  "name": "example",
  "seeds": [0, 1, 2],
  "dataset": {"type": "speech_commands", "path": "data/speech"},
  "model": {"arch": "ds_cnn"},
  "steps": [
    {"train": {"epochs": 20}},
    {"prune": {"sparsity": {"values": [0, 0.5, 0.8]}}},
    {"finetune": {"epochs": {"values": [0, 5]}, "only_after_pruning": true}},
    {"quantize": {"weight_bits": {"values": [32, 8]}}},
    {"evaluate": {}},
    {"measure": {"targets": ["host"]}}
  ]
}
```

## The grid

Any value may be replaced by several: `{"values": [a, b, c]}`, or for a number
`{"min": 1e-4, "max": 1e-2, "n": 5, "scale": "log"}` (`"linear"` when left out). The trials are the
product of all of them, for each seed. A step is switched off by a value (0 epochs, sparsity 0, 32
weight bits). A step that is switched off leaves the trial together with all its other settings, so
points of the grid that then say the same are one trial: sparsity 0 with five criteria is run once.
A `qat` step trains what `quantize` made; it is off where that is.
`"only_after_pruning": true` switches a fine-tuning off where nothing was pruned before it; without
it the dense model fine-tuned is a trial of its own (a fair control for the extra epochs).

`--set steps.1.prune.sparsity=0.5` changes a value from the command line: keys and list indices
between dots, the value as JSON or a bare word.

A trial's id is a hash of its settings, defaults included. Steps that trials share are run once.

)";

std::string escaped(std::string text) {
  for (size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2)
    text.insert(at, "\\");
  return text;
}

std::string default_text(const Field& field) {
  if (field.required) return "required";
  return field.default_value.is_null() ? ""
                                       : "`" + normalize(field, field.default_value).dump() + "`";
}

std::string table_text(const Table& table, const std::string& title) {
  std::string text =
      fmt::format("## {}\n\n{}.\n\n| key | value | default | meaning |\n|---|---|---|---|\n", title,
                  table.doc());
  for (const Field& field : table.fields()) {
    text += fmt::format("| `{}` | {} | {} | {} |\n", field.name, escaped(field.expectation()),
                        escaped(default_text(field)), escaped(field.doc));
  }
  return text + "\n";
}

}  // namespace

std::string config_reference() {
  std::string text = kIntroduction;
  text += table_text(top_table(), "Top level");
  text += "Beside these stand `dataset`, `model`, `steps` (all required) and `report`.\n\n";
  text += table_text(dataset_table(), "`dataset`");
  text += table_text(model_table(), "`model`");
  text +=
      "`\"layers\": [{\"op\": \"conv2d\", ...}, ...]` writes a network by hand, with an optional "
      "`\"name\"`; the input shape comes from the dataset, and the last layer must have one output "
      "for each class.\n\n";
  text +=
      "## `steps`\n\nA list of objects with one key each, run in this order. Steps that change the "
      "model come before `evaluate` and `measure`, which stand at most once each.\n\n";
  for (const StepKind& kind : step_kinds()) {
    text += table_text(*kind.table, "Step `" + kind.table->name() + "`");
  }
  text += table_text(report_table(), "`report`");
  text.pop_back();
  return text;
}

}  // namespace coppice::sweep
