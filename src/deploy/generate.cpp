#include "coppice/deploy/generate.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "coppice/core/file.h"
#include "coppice/graph/fold.h"
#include "deploy/embedded.h"
#include "deploy/firmware_project.h"

namespace coppice::deploy {
namespace {

constexpr std::string_view kTemplates = "src/deploy/firmware/";

Status require_int8(const Graph& graph) {
  if (!graph.quantized()) {
    return Error{
        ErrorCode::kUnsupported,
        fmt::format("{} is a float model; quantize it first (coppice quantize)", graph.name)};
  }
  for (const auto& tensor : graph.tensors) {
    if (tensor.quantization->bits == 8) continue;
    return Error{ErrorCode::kUnsupported,
                 fmt::format("{}: tensor \"{}\" has {}-bit activations; firmware runs 8-bit ones",
                             graph.name, tensor.name, tensor.quantization->bits)};
  }
  return {};
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

Status write_template(std::string_view name, const Target& target,
                      const std::filesystem::path& folder) {
  COPPICE_TRY(const std::string_view text, embedded_text(std::string(kTemplates).append(name)));
  std::string filled = replaced(std::string(text), "@CORE_FLAGS@",
                                fmt::format("{}", fmt::join(target.compiler_flags, " ")));
  filled = replaced(filled, "@LINKER_SCRIPT@", target.linker_script);
  filled = replaced(filled, "@MACHINE@", target.machine);
  filled = replaced(filled, "@TARGET@", target.name);
  const auto path = folder / name;
  COPPICE_TRY_STATUS(write_file_atomic(path, filled));
  if (path.extension() != ".sh") return {};
  std::error_code error;
  std::filesystem::permissions(path,
                               std::filesystem::perms::owner_exec |
                                   std::filesystem::perms::group_exec |
                                   std::filesystem::perms::others_exec,
                               std::filesystem::perm_options::add, error);
  if (error) return Error{ErrorCode::kIo, path.string() + ": " + error.message()};
  return {};
}

Status write_templates(const Target& target, const std::filesystem::path& folder) {
  for (const auto& file : embedded_files()) {
    if (file.path.substr(0, kTemplates.size()) != kTemplates) continue;
    COPPICE_TRY_STATUS(write_template(file.path.substr(kTemplates.size()), target, folder));
  }
  return {};
}

Status write_kernel_headers(const std::vector<std::string>& headers,
                            const std::filesystem::path& folder) {
  COPPICE_TRY(const auto closure, header_closure(headers));
  for (const auto& header : closure) {
    COPPICE_TRY(const std::string_view text, embedded_text("include/" + header));
    COPPICE_TRY_STATUS(write_file_atomic(folder / header, text));
  }
  return {};
}

// What an earlier call left behind (other kernels, an old build) must not reach the compiler.
Status clear_previous(const std::filesystem::path& folder) {
  for (const char* part : {"coppice", "build", "board", "selftest"}) {
    std::error_code error;
    std::filesystem::remove_all(folder / part, error);
    if (error) return Error{ErrorCode::kIo, (folder / part).string() + ": " + error.message()};
  }
  return {};
}

// A folder with files of somebody else is not overwritten.
Status require_own_folder(const std::filesystem::path& folder) {
  std::error_code error;
  if (!std::filesystem::exists(folder, error) || std::filesystem::is_empty(folder, error) ||
      std::filesystem::exists(folder / "model.h")) {
    return {};
  }
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("{} holds other files; give an empty folder or one that Coppice wrote",
                           folder.string())};
}

}  // namespace

Result<FirmwareProject> write_firmware(const Graph& graph, const Target& target,
                                       const std::filesystem::path& folder,
                                       const GenerateOptions& options) {
  COPPICE_TRY_STATUS(validate(graph));
  COPPICE_TRY_STATUS(require_int8(graph));
  COPPICE_TRY_STATUS(require_own_folder(folder));
  FirmwareProject project;
  COPPICE_TRY(project.graph, fuse_for_inference(graph));
  COPPICE_TRY(ModelCode code, write_model_code(project.graph, target));
  COPPICE_TRY(project.golden, compute_golden(project.graph, options));
  COPPICE_TRY_STATUS(clear_previous(folder));
  const std::array<std::pair<const char*, std::string>, 4> files = {
      {{"model.h", code.model_h},
       {"model.cpp", code.model_cpp},
       {"weights.h", code.weights_h},
       {"selftest/data.cpp", golden_source(project.golden)}}};
  for (const auto& file : files) {
    COPPICE_TRY_STATUS(write_file_atomic(folder / file.first, file.second));
  }
  COPPICE_TRY_STATUS(write_kernel_headers(code.headers, folder));
  COPPICE_TRY_STATUS(write_templates(target, folder));
  project.layers = std::move(code.layers);
  return project;
}

Status generate(const Graph& graph, const Target& target, const std::filesystem::path& folder,
                const GenerateOptions& options) {
  const auto project = write_firmware(graph, target, folder, options);
  return project.ok() ? Status{} : Status{project.error()};
}

}  // namespace coppice::deploy
