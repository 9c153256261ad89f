#pragma once

#include <cstring>

#include "coppice/kernels/requantize.h"
#include "coppice/sparse/storage.h"
#include "coppice/sparse/stream_tile.h"

namespace coppice::sparse {

/// A row (or kRows rows) of a FloatStream that has weights in a chunk of input channels.
struct StreamRow {
  uint32_t count;  ///< Entries.
  uint16_t block;  ///< Output channels [block * kRows, block * kRows + kRows).
  uint16_t first;  ///< 1 where the sum begins, at the bias.
};

/// What a FloatStream's memory begins with.
struct alignas(64) StreamHeader {
  float min, max;  ///< Clamp of the last stage.
  StreamTile tile;
  int32_t entries = 0;
};

/// Float weights as a stream of entries for a kernel that has output pixels in its lanes (see
/// stream_tile.h): the offset of an input vector in the tile's memory, baked when packing, and
/// kRows weights, of as many consecutive output channels; 1 row takes any zeros, 4 are vectors
/// of output channels. 6 bytes a non-zero, or 4.5.
///
/// Rows lie chunk by chunk of input channels and within a chunk by falling number of entries, so
/// that the inner loop's exit is foreseen.
template <int kRows>
struct FloatStream {
  using Value = float;

  int rows = 0, taps = 1, depth = 1, group_rows = 1;
  const StreamHeader* header = nullptr;
  const float* bias = nullptr;          ///< [row blocks * kRows]
  const uint32_t* chunk_end = nullptr;  ///< [chunks] End of the chunk's rows in `row`.
  const StreamRow* row = nullptr;
  const uint16_t* offset = nullptr;  ///< [entries] Floats.
  const float* value = nullptr;      ///< [entries, kRows]

  static int row_blocks(const kernels::Conv2DParams& p) {
    return (p.out_channels + kRows - 1) / kRows;
  }
  static bool accepts(const kernels::Conv2DParams& p, const StreamShape& shape, const float* w) {
    return p.window.out_h * p.window.out_w > 1 && p.out_channels <= 0xffff &&
           tile_of(p, shape, w).lanes != 0;
  }
  static size_t bytes(const kernels::Conv2DParams& p, const StreamShape& shape, const float* w) {
    Carver carver;
    layout(p, tile_of(p, shape, w), w, carver);
    return carver.used();
  }
  static FloatStream pack(const kernels::Conv2DParams& p, const StreamShape& shape,
                          const kernels::ClampFloat& to, const float* w, const float* bias,
                          void* memory) {
    Carver carver(memory);
    Parts parts = layout(p, tile_of(p, shape, w), w, carver);
    *parts.header = {to.min, to.max, tile_of(p, shape, w), 0};
    for (int o = 0; o < row_blocks(p) * kRows; ++o) {
      parts.bias[o] = bias != nullptr && o < p.out_channels ? bias[o] : 0.0f;
    }
    const StreamTile& tile = parts.header->tile;
    uint32_t rows = 0, entries = 0;
    for (int chunk = 0; chunk < tile.chunks; ++chunk) {
      const uint32_t begin = rows;
      for (int block = 0; block < row_blocks(p); ++block) {
        const uint32_t count = count_entries(p, tile, w, block, chunk);
        const bool first = begins_in(p, tile, w, block, chunk);
        if (count == 0 && !first) continue;
        insert(parts.row, begin, &rows, {count, static_cast<uint16_t>(block), first});
      }
      parts.chunk_end[chunk] = rows;
      for (uint32_t r = begin; r < rows; ++r) {
        for_each_entry(p, tile, w, parts.row[r].block, chunk, [&](uint32_t at, const float* v) {
          parts.offset[entries] = static_cast<uint16_t>(at);
          std::memcpy(parts.value + entries++ * size_t{kRows}, v, sizeof(float) * kRows);
        });
      }
    }
    parts.header->entries = static_cast<int32_t>(entries);
    return view(p, memory);
  }

  /// The weights that pack() left in this memory. (Always inlined: kernels of many instruction sets
  /// call it.)
  [[gnu::always_inline]] static FloatStream view(const kernels::Conv2DParams& p,
                                                 const void* memory) {
    const auto* header = static_cast<const StreamHeader*>(memory);
    const auto* parts = reinterpret_cast<const PartOffsets*>(header + 1);
    const auto* bytes = static_cast<const std::byte*>(memory);
    FloatStream stream{p.out_channels, p.taps(), p.in_per_group(), p.out_per_group()};
    stream.header = header;
    stream.bias = reinterpret_cast<const float*>(bytes + parts->bias);
    stream.chunk_end = reinterpret_cast<const uint32_t*>(bytes + parts->chunk_end);
    stream.row = reinterpret_cast<const StreamRow*>(bytes + parts->row);
    stream.offset = reinterpret_cast<const uint16_t*>(bytes + parts->offset);
    stream.value = reinterpret_cast<const float*>(bytes + parts->value);
    return stream;
  }

  template <class Visit>
  void for_each(int of_row, Visit&& visit) const {
    const StreamTile& tile = header->tile;
    size_t entry = 0;
    uint32_t r = 0;
    for (int chunk = 0; chunk < tile.chunks; ++chunk) {
      for (; r < chunk_end[chunk]; ++r) {
        if (row[r].block != of_row / kRows) {
          entry += row[r].count;
          continue;
        }
        for (uint32_t i = 0; i < row[r].count; ++i, ++entry) {
          const int in_channel = offset[entry] % tile.channel_floats();
          const int channel = chunk * tile.chunk_channels + offset[entry] / tile.channel_floats() -
                              of_row / group_rows * depth;
          if (channel < 0 || channel >= depth) continue;  // Of another group's row in the block.
          visit(tile.tap_at(in_channel / tile.slot_floats()), channel,
                value[entry * kRows + static_cast<size_t>(of_row % kRows)]);
        }
      }
    }
  }

 private:
  struct PartOffsets {
    uint32_t bias, chunk_end, row, offset, value;
  };
  struct Parts {
    StreamHeader* header;
    float* bias;
    uint32_t* chunk_end;
    StreamRow* row;
    uint16_t* offset;
    float* value;
  };

  static float weight(const kernels::Conv2DParams& p, const float* w, int o, int tap, int channel) {
    if (o >= p.out_channels) return 0.0f;
    const int i = channel - o / p.out_per_group() * p.in_per_group();
    if (i < 0 || i >= p.in_per_group()) return 0.0f;
    return w[(ptrdiff_t{o} * p.taps() + tap) * p.in_per_group() + i];
  }
  /// visit(offset, kRows weights) for the entries of a row block in a chunk.
  template <class Visit>
  static void for_each_entry(const kernels::Conv2DParams& p, const StreamTile& tile, const float* w,
                             int block, int chunk, const Visit& visit) {
    const int begin = chunk * tile.chunk_channels;
    for (int c = begin; c < begin + tile.chunk_channels && c < p.in_channels; ++c) {
      for (int tap = 0; tap < p.taps(); ++tap) {
        float values[kRows];
        bool any = false;
        for (int r = 0; r < kRows; ++r) {
          values[r] = weight(p, w, block * kRows + r, tap, c);
          any |= values[r] != 0.0f;
        }
        const int at = (c - begin) * tile.channel_floats() + tile.slot_of(tap) * tile.slot_floats();
        if (any) visit(static_cast<uint32_t>(at), values);
      }
    }
  }
  static uint32_t count_entries(const kernels::Conv2DParams& p, const StreamTile& tile,
                                const float* w, int block, int chunk) {
    uint32_t count = 0;
    for_each_entry(p, tile, w, block, chunk, [&](uint32_t, const float*) { ++count; });
    return count;
  }
  static StreamTile tile_of(const kernels::Conv2DParams& p, const StreamShape& shape,
                            const float* w) {
    int64_t entries = 0;
    for (int block = 0; block < row_blocks(p); ++block) {
      for (int k = 0; k < p.taps() * p.in_per_group(); ++k) {
        bool any = false;
        for (int o = block * kRows; o < block * kRows + kRows && o < p.out_channels; ++o) {
          any |= w[ptrdiff_t{o} * p.taps() * p.in_per_group() + k] != 0.0f;
        }
        entries += any;
      }
    }
    return choose_tile(p, shape, kRows, entries);
  }
  /// Whether a row block's sums begin in a chunk: the first with entries, else the last.
  static bool begins_in(const kernels::Conv2DParams& p, const StreamTile& tile, const float* w,
                        int block, int chunk) {
    for (int before = 0; before < chunk; ++before) {
      if (count_entries(p, tile, w, block, before) != 0) return false;
    }
    return chunk + 1 == tile.chunks || count_entries(p, tile, w, block, chunk) != 0;
  }
  // Keeps the rows from `begin` on sorted by falling count.
  static void insert(StreamRow* rows, uint32_t begin, uint32_t* end, StreamRow row) {
    uint32_t at = (*end)++;
    for (; at > begin && rows[at - 1].count < row.count; --at) rows[at] = rows[at - 1];
    rows[at] = row;
  }

  static Parts layout(const kernels::Conv2DParams& p, const StreamTile& tile, const float* w,
                      Carver& carver) {
    size_t rows = 0, entries = 0;
    for (int chunk = 0; chunk < tile.chunks; ++chunk) {
      for (int block = 0; block < row_blocks(p); ++block) {
        const uint32_t count = count_entries(p, tile, w, block, chunk);
        rows += count != 0 || begins_in(p, tile, w, block, chunk);
        entries += count;
      }
    }
    Parts parts;
    parts.header = carver.take<StreamHeader>(1);
    auto* offsets = carver.take<PartOffsets>(1);
    parts.bias = carver.take<float>(static_cast<size_t>(row_blocks(p)) * kRows);
    parts.chunk_end = carver.take<uint32_t>(static_cast<size_t>(tile.chunks));
    parts.row = carver.take<StreamRow>(rows);
    parts.value = carver.take<float>(entries * kRows);
    parts.offset = carver.take<uint16_t>(entries);
    if (offsets == nullptr) return parts;
    const auto from_start = [&](const void* part) {
      return static_cast<uint32_t>(static_cast<const std::byte*>(part) -
                                   reinterpret_cast<const std::byte*>(parts.header));
    };
    *offsets = {from_start(parts.bias), from_start(parts.chunk_end), from_start(parts.row),
                from_start(parts.offset), from_start(parts.value)};
    return parts;
  }
};

}  // namespace coppice::sparse
