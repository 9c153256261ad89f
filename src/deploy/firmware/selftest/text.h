#pragma once

#include <stdint.h>

#include "board.h"

/// One line of results, fields separated by ';': small and without the C library's printf.
namespace text {

class Line {
 public:
  explicit Line(const char* kind) { board::write(kind); }

  Line& word(const char* value) {
    board::write(";");
    board::write(value);
    return *this;
  }

  Line& number(uint32_t value) {
    char digits[11];
    char* begin = digits + 10;
    *begin = '\0';
    do {
      *--begin = static_cast<char>('0' + value % 10);
      value /= 10;
    } while (value != 0);
    return word(begin);
  }

  Line& hex(uint32_t value) {
    board::write(";");
    for (int shift = 24; shift >= 0; shift -= 8) hex_byte(static_cast<uint8_t>(value >> shift));
    return *this;
  }

  Line& bytes(const int8_t* data, int count) {
    board::write(";");
    for (int i = 0; i < count; ++i) hex_byte(static_cast<uint8_t>(data[i]));
    return *this;
  }

  void end() { board::write("\n"); }

 private:
  static void hex_byte(uint8_t value) {
    const char* const digits = "0123456789abcdef";
    const char pair[3] = {digits[value >> 4], digits[value & 15], '\0'};
    board::write(pair);
  }
};

}  // namespace text
