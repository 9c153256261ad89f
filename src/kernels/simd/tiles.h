#pragma once

#include "kernels/simd/inline.h"

namespace coppice::kernels::simd {

/// Things in the fewest tiles of at most so many, as even as can be: 9 pixels are 5 + 4, not 6 + 3.
struct Tiles {
  int count, size;
  int larger;  ///< The first ones, of size + 1.

  COPPICE_INLINE Tiles(int things, int most)
      : count((things + most - 1) / most),
        size(count == 0 ? 0 : things / count),
        larger(count == 0 ? 0 : things % count) {}
};

/// body(size) for each tile. V: the vector type, so that each instruction set has its own.
template <class V, class Body>
inline void for_each_tile(int things, int most, Body body) {
  const Tiles tiles(things, most);
  for (int i = 0; i < tiles.count; ++i) body(tiles.size + (i < tiles.larger ? 1 : 0));
}

/// body(first, tiles, size) for the tiles of each size.
template <class Body>
COPPICE_INLINE void for_each_tile_size(int things, int most, Body&& body) {
  if (things == 0) return;
  if (things <= most) return body(0, 1, things);  // Without a division.
  const Tiles tiles(things, most);
  if (tiles.larger != 0) body(0, tiles.larger, tiles.size + 1);
  body(tiles.larger * (tiles.size + 1), tiles.count - tiles.larger, tiles.size);
}

}  // namespace coppice::kernels::simd
