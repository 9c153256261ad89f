#include "data/digest.h"

#include <openssl/evp.h>

#include <cassert>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>

namespace coppice::data {
namespace {

class Digest {
 public:
  explicit Digest(std::string_view algorithm) : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    const EVP_MD* type = EVP_get_digestbyname(std::string(algorithm).c_str());
    assert(type != nullptr);
    EVP_DigestInit_ex(context_.get(), type, nullptr);
  }
  void update(const char* bytes, size_t count) { EVP_DigestUpdate(context_.get(), bytes, count); }
  std::vector<uint8_t> finish() {
    std::vector<uint8_t> bytes(EVP_MAX_MD_SIZE);
    unsigned int size = 0;
    EVP_DigestFinal_ex(context_.get(), bytes.data(), &size);
    bytes.resize(size);
    return bytes;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace

std::string hexadecimal(const std::vector<uint8_t>& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::vector<uint8_t> digest_bytes(std::string_view algorithm, std::string_view bytes) {
  Digest digest(algorithm);
  digest.update(bytes.data(), bytes.size());
  return digest.finish();
}

Result<std::string> digest_file(std::string_view algorithm, const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    return Error{ErrorCode::kNotFound,
                 "cannot open " + path.string() + ": " + std::strerror(errno)};
  }
  Digest digest(algorithm);
  std::vector<char> buffer(1 << 20);
  while (stream.read(buffer.data(), static_cast<std::streamsize>(buffer.size())),
         stream.gcount() > 0) {
    digest.update(buffer.data(), static_cast<size_t>(stream.gcount()));
  }
  if (stream.bad()) return Error{ErrorCode::kIo, "cannot read " + path.string()};
  return hexadecimal(digest.finish());
}

}  // namespace coppice::data
