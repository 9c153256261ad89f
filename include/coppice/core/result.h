#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace coppice {

/// What kind of thing went wrong; the message says which one.
enum class ErrorCode {
  kInvalidArgument,  ///< A value, shape or name that the call cannot work with.
  kNotFound,         ///< A file, layer, dataset or program that is not there.
  kCorrupt,          ///< A file that exists but does not hold what it should.
  kUnsupported,      ///< Well-formed input that this part cannot handle.
  kConfig,           ///< A user's configuration or command line is wrong.
  kIo,               ///< Reading, writing or running a program failed.
};

/// An error as a value: the library prints nothing and never aborts on bad input.
struct Error {
  ErrorCode code = ErrorCode::kInvalidArgument;
  std::string message;  ///< One sentence that names the place, what was found and what was expected.
};

/// A value of type T or an Error.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(implicit)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(implicit)

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return assert(ok()), std::get<0>(state_); }
  const T& value() const& { return assert(ok()), std::get<0>(state_); }
  T&& value() && { return assert(ok()), std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const { return assert(!ok()), std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

/// Success or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(implicit)

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const { return assert(!ok()), *error_; }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace coppice

#define COPPICE_CONCAT_INNER(a, b) a##b
#define COPPICE_CONCAT(a, b) COPPICE_CONCAT_INNER(a, b)

/// `COPPICE_TRY(auto x, call());` binds the value or returns the error to the caller.
#define COPPICE_TRY(declaration, expression) \
  COPPICE_TRY_INNER(COPPICE_CONCAT(coppice_result_, __LINE__), declaration, expression)
#define COPPICE_TRY_INNER(result, declaration, expression) \
  auto result = (expression);                              \
  if (!result.ok()) return result.error();                 \
  declaration = std::move(result).value()

/// `COPPICE_TRY_STATUS(call());` returns the error to the caller, if there is one.
#define COPPICE_TRY_STATUS(expression)                                     \
  do {                                                                     \
    if (auto coppice_status = (expression); !coppice_status.ok()) {        \
      return coppice_status.error();                                       \
    }                                                                      \
  } while (false)
