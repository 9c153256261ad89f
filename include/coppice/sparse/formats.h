#pragma once

#include "coppice/sparse/block_csr.h"
#include "coppice/sparse/coordinate_list.h"
#include "coppice/sparse/dense_rows.h"
#include "coppice/sparse/masked_groups.h"
#include "coppice/sparse/n_of_m.h"
#include "coppice/sparse/permute.h"
