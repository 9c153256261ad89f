#pragma once

#include <stdint.h>

/// Runs layer `layer`, which writes `bytes` at `output`. The profiled build (COPPICE_PROFILE)
/// counts its instructions; any other just calls it.
#ifdef COPPICE_PROFILE
void coppice_run_layer(int layer, void (*run)(), const int8_t* output, int bytes);
#else
inline void coppice_run_layer(int, void (*run)(), const int8_t*, int) { run(); }
#endif
