#include <Eigen/Cholesky>
#include <Eigen/Core>

#include <fmt/format.h>

#include <algorithm>

#include "prune/criterion.h"
#include "prune/layer_inputs.h"

namespace coppice::prune {
namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

// How a convolution or fully connected layer reads its input: which inputs belong to the columns
// of a row of its weight matrix.
struct Reader {
  int sets = 1;  ///< Rows read different channels: convolution groups, depthwise channels.
  int rows_a_set = 1;
  int inputs = 1;  ///< Channels that a row reads.
  Size2 kernel, stride, dilation;
  Padding padding;
  int in_h = 1, in_w = 1, in_channels = 1, out_h = 1, out_w = 1;

  int columns() const { return kernel.h * kernel.w * inputs; }
  int positions() const { return out_h * out_w; }
};

template <class Conv>
Reader window_reader(const Conv& op, const Shape& in, const Shape& out) {
  Reader reader;
  reader.kernel = op.kernel;
  reader.stride = op.stride;
  reader.dilation = op.dilation;
  reader.padding = op.padding;
  reader.in_h = in[0];
  reader.in_w = in[1];
  reader.in_channels = in[2];
  reader.out_h = out[0];
  reader.out_w = out[1];
  return reader;
}

Reader reader_of(const Graph& graph, const Node& node) {
  const Shape& in = graph.tensors[static_cast<size_t>(node.inputs[0])].shape;
  const Shape& out = graph.tensors[static_cast<size_t>(node.output)].shape;
  if (const auto* conv = std::get_if<Conv2D>(&node.op)) {
    Reader reader = window_reader(*conv, in, out);
    reader.sets = conv->groups;
    reader.rows_a_set = conv->out_channels / conv->groups;
    reader.inputs = in[2] / conv->groups;
    return reader;
  }
  if (const auto* depthwise = std::get_if<DepthwiseConv2D>(&node.op)) {
    Reader reader = window_reader(*depthwise, in, out);
    reader.sets = in[2];
    reader.rows_a_set = depthwise->multiplier;
    return reader;
  }
  Reader reader;
  reader.inputs = reader.in_channels = static_cast<int>(in.elements());
  reader.rows_a_set = std::get<FullyConnected>(node.op).out_features;
  return reader;
}

// The windows that the rows of one set see, [positions, columns].
Matrix patches(const Reader& r, std::span<const float> x, int set) {
  Matrix result = Matrix::Zero(r.positions(), r.columns());
  for (int oy = 0; oy < r.out_h; ++oy) {
    for (int ox = 0; ox < r.out_w; ++ox) {
      for (int ky = 0; ky < r.kernel.h; ++ky) {
        const int iy = oy * r.stride.h - r.padding.top + ky * r.dilation.h;
        for (int kx = 0; kx < r.kernel.w; ++kx) {
          const int ix = ox * r.stride.w - r.padding.left + kx * r.dilation.w;
          if (iy < 0 || iy >= r.in_h || ix < 0 || ix >= r.in_w) continue;
          const float* from = x.data() + (iy * r.in_w + ix) * r.in_channels + set * r.inputs;
          for (int i = 0; i < r.inputs; ++i) {
            result(oy * r.out_w + ox, (ky * r.kernel.w + kx) * r.inputs + i) = double{from[i]};
          }
        }
      }
    }
  }
  return result;
}

// Optimal brain surgeon by layer: with H = mean of x x^T over the inputs of a row, removing the set
// G of its weights costs 1/2 w_G^T ([H^-1]_GG)^-1 w_G when the others make up for it (Hassibi &
// Stork, NeurIPS 1992; by layer Dong, Chen & Pan, NeurIPS 2017). Once the mask is chosen the kept
// weights R take the joint optimum w_R + H_RR^-1 H_RP w_P of the layer's squared output error.
class OptimalBrainSurgeon : public Criterion {
 public:
  Status prepare(const Graph& graph, const Evidence& evidence) override {
    layers_.assign(graph.nodes.size(), {});
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      const Node& node = graph.nodes[n];
      if (node.parameter("weight") == nullptr) continue;
      Layer& layer = layers_[n];
      layer.reader = reader_of(graph, node);
      layer.original = weight_of(graph, n).value;
      const int k = layer.reader.columns();
      if (k > kMostColumns) {
        return Error{ErrorCode::kUnsupported,
                     fmt::format("{}: layer \"{}\" has {} inputs a channel; \"obs\" handles {}",
                                 graph.name, node.name, k, kMostColumns)};
      }
      layer.hessians.assign(static_cast<size_t>(layer.reader.sets), Matrix::Zero(k, k));
    }
    const double samples = evidence.samples->size();
    COPPICE_TRY_STATUS(visit_layer_inputs(graph, *evidence.samples, [&](const SeenTensor& seen) {
      Layer& layer = layers_[seen.node];
      for (int set = 0; set < layer.reader.sets; ++set) {
        layer.hessians[static_cast<size_t>(set)].selfadjointView<Eigen::Lower>().rankUpdate(
            patches(layer.reader, seen.values, set).transpose(), 1.0 / samples);
      }
    }));
    for (Layer& layer : layers_) finish(layer);
    return {};
  }

  std::vector<double> scores(const Graph& graph, size_t node, const Groups& groups) const override {
    const WeightMatrix matrix = weight_matrix(graph.nodes[node], weight_of(graph, node));
    std::vector<double> result(static_cast<size_t>(groups.count), 0.0);
    std::vector<std::vector<int>> members(result.size());  // Columns of one row, by group.
    std::vector<int64_t> touched;
    for (int64_t row = 0; row < matrix.rows; ++row) {
      touched.clear();
      for (int64_t column = 0; column < matrix.columns; ++column) {
        const int64_t group = groups.group_of[static_cast<size_t>(matrix.element(row, column))];
        if (members[static_cast<size_t>(group)].empty()) touched.push_back(group);
        members[static_cast<size_t>(group)].push_back(static_cast<int>(column));
      }
      for (const int64_t group : touched) {
        auto& columns = members[static_cast<size_t>(group)];
        result[static_cast<size_t>(group)] += cost(layers_[node], matrix, row, columns);
        columns.clear();
      }
    }
    return result;
  }

  Status compensate(Graph& graph, size_t node) const override {
    Parameter& weight = *graph.nodes[node].parameter("weight");
    const WeightMatrix matrix = weight_matrix(graph.nodes[node], weight);
    for (int64_t row = 0; row < matrix.rows; ++row) {
      update_row(layers_[node], matrix, row, weight);
    }
    return {};
  }

 private:
  static constexpr int kMostColumns = 8192;  // 512 MiB a matrix.

  struct Layer {
    Reader reader;
    std::vector<float> original;
    std::vector<Matrix> hessians, inverses;  // By set of rows.
    size_t set_of(int64_t row) const { return static_cast<size_t>(row / reader.rows_a_set); }
  };

  // Inputs that are always zero leave H singular: a hundredth of the mean diagonal is added to it.
  static void finish(Layer& layer) {
    for (Matrix& hessian : layer.hessians) {
      hessian = Matrix(hessian.selfadjointView<Eigen::Lower>());
      const double mean = hessian.trace() / static_cast<double>(hessian.rows());
      hessian.diagonal().array() += 0.01 * mean + 1e-12;
      layer.inverses.push_back(
          hessian.llt().solve(Matrix::Identity(hessian.rows(), hessian.cols())));
    }
  }

  static double weight_at(const Layer& layer, const WeightMatrix& m, int64_t row, int64_t column) {
    return double{layer.original[static_cast<size_t>(m.element(row, column))]};
  }

  static double cost(const Layer& layer, const WeightMatrix& m, int64_t row,
                     const std::vector<int>& columns) {
    const Matrix& inverse = layer.inverses[layer.set_of(row)];
    if (columns.size() == 1) {
      const double w = weight_at(layer, m, row, columns[0]);
      return 0.5 * w * w / inverse(columns[0], columns[0]);
    }
    Vector w(static_cast<Eigen::Index>(columns.size()));
    for (Eigen::Index i = 0; i < w.size(); ++i) {
      w(i) = weight_at(layer, m, row, columns[static_cast<size_t>(i)]);
    }
    if (w.size() == inverse.rows()) return 0.5 * w.dot(layer.hessians[layer.set_of(row)] * w);
    const Matrix block = inverse(columns, columns);
    return 0.5 * w.dot(block.llt().solve(w));
  }

  static void update_row(const Layer& layer, const WeightMatrix& m, int64_t row,
                         Parameter& weight) {
    std::vector<int> kept, pruned;
    for (int column = 0; column < static_cast<int>(m.columns); ++column) {
      const auto element = static_cast<size_t>(m.element(row, column));
      (weight.mask[element] != 0 ? kept : pruned).push_back(column);
    }
    if (kept.empty() || pruned.empty()) return;
    const Matrix& hessian = layer.hessians[layer.set_of(row)];
    Vector lost(static_cast<Eigen::Index>(pruned.size()));
    for (Eigen::Index i = 0; i < lost.size(); ++i) {
      lost(i) = weight_at(layer, m, row, pruned[static_cast<size_t>(i)]);
    }
    const Vector pull = hessian(kept, pruned) * lost;
    const Matrix block = hessian(kept, kept);
    const Vector change = block.llt().solve(pull);
    for (size_t i = 0; i < kept.size(); ++i) {
      const auto element = static_cast<size_t>(m.element(row, kept[i]));
      weight.value[element] = static_cast<float>(weight_at(layer, m, row, kept[i]) +
                                                 change(static_cast<Eigen::Index>(i)));
    }
  }

  std::vector<Layer> layers_;  // By node.
};

}  // namespace

std::unique_ptr<Criterion> make_obs() { return std::make_unique<OptimalBrainSurgeon>(); }

}  // namespace coppice::prune
