// ONNX Runtime's CPU provider, one thread, on the model that onnx_model.h writes. The library is
// opened at run time: fetch_onnxruntime.sh puts it into the build folder.
#include <dlfcn.h>

#include <cstdlib>

#include "peers/onnx_model.h"
#include "peers/onnxruntime_api.h"
#include "peers/peers.h"

namespace coppice::bench {
namespace {

// The library and what all its sessions share. It lives as long as the process: its threads and its
// allocator do not survive being unloaded.
struct Runtime {
  std::string trouble;
  const ort::Functions* call = nullptr;
  ort::Env* env = nullptr;
  ort::MemoryInfo* memory = nullptr;
};

std::string take_message(const ort::Functions& call, ort::Status* status) {
  if (status == nullptr) return {};
  std::string message = call.error_message(status);
  call.release_status(status);
  return message;
}

Runtime open_runtime() {
  Runtime runtime;
  const char* given = std::getenv("COPPICE_ONNXRUNTIME");
  const std::string path = given != nullptr ? given : COPPICE_ONNXRUNTIME_LIBRARY;
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    runtime.trouble = path + " cannot be opened; run bench/install_peers.sh";
    return runtime;
  }
  auto* get = reinterpret_cast<ort::GetApiBase*>(dlsym(library, "OrtGetApiBase"));
  const ort::Api* api = get != nullptr ? get()->get_api(ort::kApiVersion) : nullptr;
  if (api == nullptr) {
    runtime.trouble =
        path + " does not have version " + std::to_string(ort::kApiVersion) + " of the C API";
    return runtime;
  }
  runtime.call = new ort::Functions(*api);
  runtime.trouble = take_message(
      *runtime.call, runtime.call->create_env(ort::kLoggingError, "coppice", &runtime.env));
  if (runtime.trouble.empty()) {
    runtime.trouble = take_message(
        *runtime.call, runtime.call->create_memory_info(ort::kArenaAllocator, ort::kDefaultMemory,
                                                        &runtime.memory));
  }
  return runtime;
}

const Runtime& runtime() {
  static const Runtime opened = open_runtime();
  return opened;
}

// Between NHWC and NCHW, of one picture or vector.
template <class To, class From, class Convert>
void permute(const Shape& shape, bool to_channels_first, const From* from, To* to,
             const Convert& convert) {
  const int64_t channels = shape.rank() == 3 ? shape[2] : 1;
  const int64_t pixels = shape.elements() / channels;
  for (int64_t p = 0; p < pixels; ++p) {
    for (int64_t c = 0; c < channels; ++c) {
      const int64_t last = p * channels + c, first = c * pixels + p;
      to[to_channels_first ? first : last] = convert(from[to_channels_first ? last : first]);
    }
  }
}

class Model final : public Contender {
 public:
  explicit Model(const Graph& graph)
      : integer_(graph.quantized()),
        input_shape_(graph.input_shape()),
        output_shape_(graph.output_shape()),
        call_(*runtime().call) {}

  ~Model() override {
    if (input_ != nullptr) call_.release_value(input_);
    if (output_ != nullptr) call_.release_value(output_);
    if (session_ != nullptr) call_.release_session(session_);
  }

  Status build(const std::string& bytes) {
    ort::SessionOptions* options = nullptr;
    COPPICE_TRY_STATUS(check(call_.create_options(&options)));
    Status status = check(call_.set_intra_threads(options, 1));
    if (status.ok()) status = check(call_.set_inter_threads(options, 1));
    if (status.ok()) status = check(call_.set_optimization(options, ort::kOptimizeAll));
    if (status.ok()) {
      status = check(
          call_.create_session(runtime().env, bytes.data(), bytes.size(), options, &session_));
    }
    call_.release_options(options);
    if (!status.ok()) return status;
    COPPICE_TRY_STATUS(make_tensor(input_shape_, input_bytes_, &input_));
    return make_tensor(output_shape_, output_bytes_, &output_);
  }

  void set_input(const Values& input) override {
    if (integer_) {
      permute(input_shape_, true, input.integer.data(), input_bytes_.data(),
              [](int8_t value) { return static_cast<uint8_t>(value ^ 0x80); });
    } else {
      permute(input_shape_, true, input.real.data(), reinterpret_cast<float*>(input_bytes_.data()),
              [](float value) { return value; });
    }
  }

  void run() override {
    static const char* const kInput[] = {"input"};
    static const char* const kOutput[] = {"output"};
    const ort::Value* inputs[] = {input_};
    if (auto* status = call_.run(session_, nullptr, kInput, inputs, 1, kOutput, 1, &output_)) {
      call_.release_status(status);
      failed_ = true;
    }
  }

  Values output() override {
    Values values;
    if (failed_) return values;
    const auto count = static_cast<size_t>(output_shape_.elements());
    if (integer_) {
      values.integer.resize(count);
      permute(output_shape_, false, output_bytes_.data(), values.integer.data(),
              [](uint8_t value) { return static_cast<int8_t>(value ^ 0x80); });
    } else {
      values.real.resize(count);
      permute(output_shape_, false, reinterpret_cast<const float*>(output_bytes_.data()),
              values.real.data(), [](float value) { return value; });
    }
    return values;
  }

 private:
  Status check(ort::Status* status) const {
    const std::string message = take_message(call_, status);
    if (message.empty()) return {};
    return Error{ErrorCode::kUnsupported, "onnxruntime: " + message};
  }

  Status make_tensor(const Shape& shape, std::vector<uint8_t>& bytes, ort::Value** value) {
    std::vector<int64_t> sizes{1, shape.elements()};
    if (shape.rank() == 3) sizes = {1, shape[2], shape[0], shape[1]};
    const size_t size = integer_ ? sizeof(uint8_t) : sizeof(float);
    bytes.resize(static_cast<size_t>(shape.elements()) * size);
    return check(call_.create_tensor(runtime().memory, bytes.data(), bytes.size(), sizes.data(),
                                     sizes.size(), integer_ ? ort::kUint8 : ort::kFloat, value));
  }

  const bool integer_;
  const Shape input_shape_, output_shape_;
  const ort::Functions& call_;
  ort::Session* session_ = nullptr;
  ort::Value* input_ = nullptr;
  ort::Value* output_ = nullptr;
  std::vector<uint8_t> input_bytes_, output_bytes_;
  bool failed_ = false;
};

}  // namespace

std::string onnxruntime_trouble() { return runtime().trouble; }

ContenderResult compile_onnxruntime(const Graph& graph) {
  if (!runtime().trouble.empty()) return Error{ErrorCode::kNotFound, runtime().trouble};
  COPPICE_TRY(const std::string bytes, write_onnx_model(graph));
  auto model = std::make_unique<Model>(graph);
  COPPICE_TRY_STATUS(model->build(bytes));
  return ContenderResult(std::move(model));
}

}  // namespace coppice::bench
