#pragma once

#include <stdint.h>

#include "../model.h"

/// Inputs, and the outputs that the generating machine computed for them (data.cpp).
extern const int coppice_selftest_count;
extern const int8_t coppice_selftest_inputs[][COPPICE_MODEL_INPUT_BYTES];
extern const int8_t coppice_selftest_outputs[][COPPICE_MODEL_OUTPUT_BYTES];
