#pragma once

#include <cstddef>
#include <cstdint>

// What we call of ONNX Runtime's C API. `OrtApi` is a table of functions whose order is frozen: the
// library only ever appends to it, so that a function is known by its place. The npm package ships
// the library without its header; the places are those of onnxruntime_c_api.h.

namespace coppice::bench::ort {

struct Status;
struct Env;
struct SessionOptions;
struct Session;
struct RunOptions;
struct MemoryInfo;
struct Value;

/// OrtApi, by place.
struct Api {
  const void* functions[256];

  template <class Function>
  Function* get(int place) const {
    return reinterpret_cast<Function*>(const_cast<void*>(functions[place]));
  }
};

struct ApiBase {
  const Api* (*get_api)(uint32_t version);
  const char* (*version_string)();
};
using GetApiBase = const ApiBase*();

/// Version of the table that has all the places below.
inline constexpr uint32_t kApiVersion = 11;

inline constexpr int kLoggingError = 3;
inline constexpr int kOptimizeAll = 99;
inline constexpr int kArenaAllocator = 1;
inline constexpr int kDefaultMemory = 0;
inline constexpr int kFloat = 1;
inline constexpr int kUint8 = 2;

struct Functions {
  explicit Functions(const Api& api)
      : error_message(api.get<const char*(const Status*)>(2)),
        create_env(api.get<Status*(int, const char*, Env**)>(3)),
        create_session(
            api.get<Status*(const Env*, const void*, size_t, const SessionOptions*, Session**)>(8)),
        run(api.get<Status*(Session*, const RunOptions*, const char* const*, const Value* const*,
                            size_t, const char* const*, size_t, Value**)>(9)),
        create_options(api.get<Status*(SessionOptions**)>(10)),
        set_optimization(api.get<Status*(SessionOptions*, int)>(23)),
        set_intra_threads(api.get<Status*(SessionOptions*, int)>(24)),
        set_inter_threads(api.get<Status*(SessionOptions*, int)>(25)),
        create_tensor(api.get<Status*(const MemoryInfo*, void*, size_t, const int64_t*, size_t, int,
                                      Value**)>(49)),
        create_memory_info(api.get<Status*(int, int, MemoryInfo**)>(69)),
        release_status(api.get<void(Status*)>(93)),
        release_session(api.get<void(Session*)>(95)),
        release_value(api.get<void(Value*)>(96)),
        release_options(api.get<void(SessionOptions*)>(100)) {}

  const char* (*error_message)(const Status*);
  Status* (*create_env)(int level, const char* id, Env**);
  Status* (*create_session)(const Env*, const void* model, size_t bytes, const SessionOptions*,
                            Session**);
  Status* (*run)(Session*, const RunOptions*, const char* const* input_names,
                 const Value* const* inputs, size_t, const char* const* output_names, size_t,
                 Value** outputs);
  Status* (*create_options)(SessionOptions**);
  Status* (*set_optimization)(SessionOptions*, int level);
  Status* (*set_intra_threads)(SessionOptions*, int);
  Status* (*set_inter_threads)(SessionOptions*, int);
  Status* (*create_tensor)(const MemoryInfo*, void* data, size_t bytes, const int64_t* sizes,
                           size_t rank, int type, Value**);
  Status* (*create_memory_info)(int allocator, int memory, MemoryInfo**);
  void (*release_status)(Status*);
  void (*release_session)(Session*);
  void (*release_value)(Value*);
  void (*release_options)(SessionOptions*);
};

}  // namespace coppice::bench::ort
