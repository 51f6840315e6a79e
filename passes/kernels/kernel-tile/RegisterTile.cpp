//===- RegisterTile.cpp - accumulators in registers -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matrix products, convolutions, pooling, sums over outer dimensions: one reduction whose result's
// innermost dimension v lies densely in the operands that have it. A tile of the result, some
// vectors along v times some positions along another dimension u, is accumulated in registers over
// the whole reduction; then the elementwise work behind the reduction is done on it, and it is
// stored once.
//
//===----------------------------------------------------------------------===//

#include "passes/kernels/kernel-tile/Model.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/FormatVariadic.h"

#include <numeric>

using namespace mlir;
using namespace sinter;
using namespace sinter::tile;
using kernel::loopName;
using kernel::TailStrategy;

/// Vector operations in the unrolled body of a reduction.
static constexpr int64_t unrolledBody = 96;

namespace {

/// One input of the reduction: which of its loops it depends on, and its size.
struct Operand {
  SmallVector<bool> dependsOn;
  double bytes = 0;
  Stage *producer = nullptr;
  OpOperand *use = nullptr;
};

/// A dimension `u * stride + k` of an operand, where k is a reduction loop of some extent: a window
/// that slides over it.
struct Window {
  int64_t stride = 1, extent = 1;
};

class RegisterTiler {
public:
  explicit RegisterTiler(Model &model) : model(model) {}
  bool run();

private:
  bool match();
  bool isDenseAlongVector(AffineMap map);
  bool isInlined(Stage &stage) const;
  bool isBatch(int loop) const;
  bool thrash(const Operand &operand, int loop, int64_t positions);
  std::optional<Window> windowOf(const Operand &operand, int loop);
  void chooseTile();
  void order();
  void place();
  void scheduleOutput();
  void scheduleStaging(StringRef level);
  void scheduleReduction();

  /// The output's loop that goes with a loop of the reduction, and back; -1 if there is none.
  int outputLoop(int loop) const;
  int reductionLoop(int loop) const;
  int64_t extent(int loop) const { return output->extents[loop]; }
  bool isStatic(int loop) const { return output->isStatic(loop); }

  Model &model;
  Stage *output = nullptr, *main = nullptr;
  Stage *staging = nullptr; ///< takes whole panels where the last one is not full
  SmallVector<Operand> operands;
  int64_t lanes = 1;
  int vector = -1;            ///< loop of the output
  SmallVector<int64_t> packs; ///< v is indexed by floordiv and mod of these
  SmallVector<std::pair<int, int64_t>>
      unrolled; ///< loops of the output and positions, innermost first
  /// No sum over channels: every operand has the vectors' loop. Depthwise convolution, pooling.
  bool perChannel = false;
  int64_t vectorTile = 1;
  SmallVector<int> outer; ///< the output's loops around the tile, outermost first
  bool vectorOutermost = false;
  std::string placeLoop; ///< where producers are computed; empty: before everything
  int64_t chunkRows = 0; ///< positions of outer.front() (or what follows) that share a producer
  int chunkLoop = -1;
};

} // namespace

int RegisterTiler::outputLoop(int loop) const {
  for (auto [i, each] : llvm::enumerate(main->resultLoops))
    if (each == loop)
      return main->outputLoops[i];
  return -1;
}

int RegisterTiler::reductionLoop(int loop) const {
  for (auto [i, each] : llvm::enumerate(main->outputLoops))
    if (each == loop)
      return main->resultLoops[i];
  return -1;
}

/// The stride of `v` in `v * stride + (something without v)`; 0 if the expression is of another
/// form. A window that moves by more than 4 is not worth vectors.
static int64_t strideOf(AffineExpr expr, AffineExpr v) {
  if (expr == v)
    return 1;
  unsigned position = cast<AffineDimExpr>(v).getPosition();
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return 0;
  AffineExpr left = binary.getLHS(), right = binary.getRHS();
  if (binary.getKind() == AffineExprKind::Mul && left == v)
    if (auto stride = dyn_cast<AffineConstantExpr>(right))
      return stride.getValue() >= 1 && stride.getValue() <= 4 ? stride.getValue() : 0;
  if (binary.getKind() == AffineExprKind::Add) {
    if (!right.isFunctionOfDim(position))
      return strideOf(left, v);
    if (!left.isFunctionOfDim(position))
      return strideOf(right, v);
  }
  return 0;
}

/// Whether neighbours along v are neighbours in memory. Collects the widths of packed layouts.
bool RegisterTiler::isDenseAlongVector(AffineMap map) {
  AffineExpr v = getAffineDimExpr(reductionLoop(vector), map.getContext());
  for (auto [i, result] : llvm::enumerate(map.getResults())) {
    if (!result.isFunctionOfDim(reductionLoop(vector)))
      continue;
    bool last = i + 1 == map.getNumResults();
    if (last && result == v)
      continue;
    if (last && strideOf(result, v) != 0)
      continue;
    auto binary = dyn_cast<AffineBinaryOpExpr>(result);
    auto width = binary ? dyn_cast<AffineConstantExpr>(binary.getRHS()) : AffineConstantExpr();
    if (!width || binary.getLHS() != v)
      return false;
    bool packed = last ? binary.getKind() == AffineExprKind::Mod
                       : binary.getKind() == AffineExprKind::FloorDiv;
    if (!packed)
      return false;
    packs.push_back(width.getValue());
  }
  return true;
}

/// Whether every operand depends on a loop, so that its positions have nothing to share: the groups
/// of a convolution, a batch of products.
bool RegisterTiler::isBatch(int loop) const {
  return llvm::all_of(operands, [&](const Operand &operand) {
    return bool(operand.dependsOn[reductionLoop(loop)]);
  });
}

/// How an operand's window slides along a loop of the output.
std::optional<Window> RegisterTiler::windowOf(const Operand &operand, int loop) {
  int position = reductionLoop(loop);
  AffineMap map = main->op.getMatchingIndexingMap(operand.use);
  AffineExpr u = getAffineDimExpr(position, map.getContext());
  for (AffineExpr result : map.getResults()) {
    int64_t stride = result.isFunctionOfDim(position) ? strideOf(result, u) : 0;
    if (stride == 0)
      continue;
    for (unsigned k = 0; k < main->extents.size(); ++k)
      if (main->isReduction[k] && result.isFunctionOfDim(k) && main->isStatic(k))
        return Window{stride, main->extents[k]};
  }
  return std::nullopt;
}

/// Whether that many positions along a loop, read one after another at each step, push each other
/// out of the first cache: they lie a multiple of a page apart, and so in few of its sets.
bool RegisterTiler::thrash(const Operand &operand, int loop, int64_t positions) {
  constexpr int64_t way = 4096; // bytes: more would need address bits that are translated
  AffineMap map = main->op.getMatchingIndexingMap(operand.use);
  auto type = cast<RankedTensorType>(operand.use->get().getType());
  AffineExpr u = getAffineDimExpr(reductionLoop(loop), map.getContext());
  int64_t stride = 0, bytes = type.getElementTypeBitWidth() / 8;
  for (int64_t i = map.getNumResults() - 1; i >= 0; --i) {
    if (map.getResult(i).isFunctionOfDim(reductionLoop(loop)))
      stride += strideOf(map.getResult(i), u) * bytes;
    if (type.isDynamicDim(i))
      break;
    bytes *= type.getDimSize(i);
  }
  if (stride == 0)
    return false;
  int64_t sets = way / std::gcd(stride, way);
  return llvm::divideCeil(positions, sets) >= model.target.l1Bytes / way;
}

bool RegisterTiler::match() {
  output = model.output();
  if (!output || output->reduces)
    return false;
  for (auto &stage : model.stages)
    if (stage->reduces) {
      if (main)
        return false;
      main = stage.get();
    }
  if (!main || main->readAnywhere || main->op.getNumDpsInits() != 1)
    return false;
  // Each loop of the output is one of the reduction's parallel loops.
  vector = output->innermostLoop();
  if (vector < 0 || main->innermostLoop() < 0 || outputLoop(main->innermostLoop()) != vector)
    return false;
  for (unsigned loop = 0; loop < output->extents.size(); ++loop)
    if (output->extents[loop] != 1 && reductionLoop(loop) < 0)
      return false;
  for (auto [i, loop] : llvm::enumerate(main->resultLoops))
    if (loop >= 0 && main->outputLoops[i] < 0 && main->extents[loop] != 1)
      return false;

  bool anyDepends = false;
  for (OpOperand *use : main->op.getDpsInputOperands()) {
    auto type = dyn_cast<RankedTensorType>(use->get().getType());
    if (!type)
      continue;
    AffineMap map = main->op.getMatchingIndexingMap(use);
    if (!isDenseAlongVector(map))
      return false;
    Operand operand;
    operand.use = use;
    for (unsigned i = 0; i < main->extents.size(); ++i)
      operand.dependsOn.push_back(map.isFunctionOfDim(i));
    anyDepends |= operand.dependsOn[reductionLoop(vector)];
    operand.bytes = type.getElementTypeBitWidth() / 8.0;
    for (int64_t size : type.getShape())
      operand.bytes *= ShapedType::isDynamic(size) ? 64 : size;
    for (auto &stage : model.stages)
      if (stage->op == use->get().getDefiningOp())
        operand.producer = stage.get();
    operands.push_back(operand);
  }
  // Bodies that gather for themselves are left alone.
  for (Operation &op : main->op.getBlock()->without_terminator())
    if (op.getName().getStringRef() == "tensor.extract")
      return false;
  lanes = model.lanes(*main);
  perChannel = llvm::all_of(operands, [&](const Operand &operand) {
    return operand.dependsOn[reductionLoop(vector)] ||
           llvm::none_of(main->resultLoops,
                         [&](int loop) { return loop >= 0 && operand.dependsOn[loop]; });
  });
  // Whole panels: see prepare.
  for (int64_t pack : packs)
    if (isStatic(vector) && extent(vector) % pack != 0 &&
        extent(vector) % model.target.lanes(4) != 0 && main->consumers.size() == 1 &&
        !main->consumers.front()->isOutput && main->consumers.front()->bodyCost() == 0)
      staging = main->consumers.front();
  return anyDepends;
}

/// Whether a stage is an argument of the kernel with a border around it.
static bool isBorder(Stage &stage) {
  Operation *yield = stage.op.getBlock()->getTerminator();
  auto select = yield->getOperand(0).getDefiningOp<arith::SelectOp>();
  auto inside = select ? select.getTrueValue().getDefiningOp<tensor::ExtractOp>() : nullptr;
  return inside && isa<BlockArgument>(inside.getTensor()) &&
         select.getFalseValue().getDefiningOp<arith::ConstantOp>();
}

/// Whether windows read what a stage computes straight from the stage's own operands. Where there
/// is little arithmetic a copy with a border costs as much as the rest; the loops are cut where
/// windows leave the picture, so that inside there is no test.
bool RegisterTiler::isInlined(Stage &stage) const { return perChannel && isBorder(stage); }

/// Tries all tiles against a simple account of one step of the reduction, in cycles.
void RegisterTiler::chooseTile() {
  int64_t registers = model.target.vectorRegisters;
  // The loop to unroll: the innermost other one; where that is short and taken whole, the next one
  // as well.
  SmallVector<int> candidates;
  for (int loop : llvm::reverse(output->resultLoops))
    if (loop >= 0 && loop != vector && extent(loop) != 1 && (perChannel || !isBatch(loop)))
      candidates.push_back(loop);
  int first = candidates.empty() ? -1 : candidates[0],
      second = candidates.size() < 2 ? -1 : candidates[1];

  // Loads of one step. Where the loop over a window is unrolled, neighbouring positions share what
  // they load.
  double panelBytes = 0;
  for (const Operand &operand : operands)
    if (operand.dependsOn[reductionLoop(vector)] && first >= 0 &&
        !operand.dependsOn[reductionLoop(first)])
      panelBytes = std::max(panelBytes, operand.bytes);
  bool streams = panelBytes > model.target.l1Bytes / 2;
  const Target &target = model.target;
  auto loadCycles = [&](int64_t vectors, int64_t m1, int64_t m2) {
    double cycles = 0;
    for (const Operand &operand : operands) {
      bool hasFirst = first >= 0 && operand.dependsOn[reductionLoop(first)];
      bool hasSecond = second >= 0 && operand.dependsOn[reductionLoop(second)];
      bool hasVector = operand.dependsOn[reductionLoop(vector)];
      double each = hasVector ? vectors / target.loadsPerCycle : 0.5;
      double positions = hasFirst ? m1 : 1;
      if (hasFirst && hasVector)
        if (auto window = windowOf(operand, first);
            window && vectors * m1 * m2 * window->extent <= unrolledBody)
          positions = double((m1 - 1) * window->stride + window->extent) / window->extent;
      // What is not in the first cache comes from the second, a line at a time.
      if (hasFirst && !hasVector && thrash(operand, first, hasSecond ? m1 * m2 : m1))
        each *= 5;
      cycles += each * positions * (hasSecond ? m2 : 1);
    }
    return cycles;
  };
  auto useful = [](int64_t extent, int64_t tile) {
    // Unknown sizes are often multiples of 8.
    constexpr int64_t typical = 64;
    if (ShapedType::isDynamic(extent))
      extent = typical;
    return double(extent) / (llvm::divideCeil(extent, tile) * tile);
  };
  int64_t vectorExtent = extent(vector);
  struct Shape {
    double score;
    int64_t tile, first, second;
  };
  SmallVector<Shape> shapes;
  auto consider = [&](int64_t tile, int64_t m1, int64_t m2) {
    int64_t vectors = llvm::divideCeil(tile, lanes), accumulators = vectors * m1 * m2;
    if (accumulators + vectors + model.target.broadcastRegisters > registers && accumulators > 1)
      return;
    // Of tiles that multiply as fast, the one that loads less.
    double loads = loadCycles(vectors, m1, m2);
    double step =
        std::max({accumulators / target.fmaPerCycle, loads,
                  streams ? vectors * target.vectorBytes / target.l2Bandwidth : 0.0, 4.0}) +
        0.75 + loads / 16;
    double score = accumulators * (double(tile) / (vectors * lanes)) / step *
                   useful(vectorExtent, tile) * useful(first < 0 ? 1 : extent(first), m1) *
                   useful(second < 0 ? 1 : extent(second), m2);
    shapes.push_back({score, tile, m1, m2});
  };
  SmallVector<int64_t> tiles;
  bool dynamicVector = ShapedType::isDynamic(vectorExtent);
  for (int64_t vectors = 1; vectors <= (first < 0 ? 8 : 4); ++vectors) {
    int64_t tile = vectors * lanes;
    bool fits = dynamicVector || staging || tile <= vectorExtent;
    for (int64_t pack : packs)
      fits &= pack % tile == 0 && (staging || dynamicVector || vectorExtent % tile == 0);
    if (fits)
      tiles.push_back(tile);
  }
  if (tiles.empty()) {
    // Shorter than a vector, or packed oddly.
    int64_t tile = dynamicVector || staging
                       ? lanes
                       : std::min(int64_t(llvm::bit_floor(uint64_t(vectorExtent))), lanes);
    for (int64_t pack : packs)
      while (tile > 1 &&
             (pack % tile != 0 || (!staging && !dynamicVector && vectorExtent % tile != 0)))
        tile /= 2;
    tiles.push_back(tile);
  }
  for (int64_t tile : tiles) {
    int64_t most = first < 0         ? 1
                   : isStatic(first) ? std::min<int64_t>(extent(first), registers)
                                     : std::min<int64_t>(14, registers);
    for (int64_t m1 = 1; m1 <= most; ++m1) {
      consider(tile, m1, 1);
      if (second >= 0 && isStatic(second) && isStatic(first) && m1 == extent(first))
        for (int64_t m2 = 2; m2 <= std::min<int64_t>(extent(second), registers / m1); ++m2)
          consider(tile, m1, m2);
    }
  }
  if (shapes.empty())
    shapes.push_back({0, tiles.front(), 1, 1});
  // The best in front; of those that are about equal, the first that was considered.
  size_t best = 0;
  for (size_t i = 1; i < shapes.size(); ++i)
    if (shapes[i].score > shapes[best].score * 1.001)
      best = i;
  std::rotate(shapes.begin(), shapes.begin() + best, shapes.begin() + best + 1);
  llvm::sort(MutableArrayRef<Shape>(shapes).drop_front(), [](const Shape &a, const Shape &b) {
    return std::tie(b.score, a.tile, a.first) < std::tie(a.score, b.tile, b.first);
  });
  constexpr size_t worthMeasuring = 10;
  SmallVector<std::string> words;
  for (const Shape &shape : ArrayRef<Shape>(shapes).take_front(worthMeasuring))
    words.push_back(llvm::formatv("{0}x{1}x{2}", shape.tile, shape.first, shape.second));
  const Shape &taken = shapes[model.choices.choose("register_tile", words)];
  vectorTile = taken.tile;
  if (first >= 0)
    unrolled.emplace_back(first, taken.first);
  if (second >= 0 && taken.second > 1)
    unrolled.emplace_back(second, taken.second);
}

/// The order of the loops around the tile. Weights that do not fit the second cache are gone
/// through once, a panel at a time; otherwise rows of the output come first and their inputs stay
/// near.
void RegisterTiler::order() {
  double panelBytes = 0, wholeBytes = 0;
  for (const Operand &operand : operands) {
    bool isPanel = operand.dependsOn[reductionLoop(vector)];
    for (auto [loop, positions] : unrolled)
      isPanel &= !operand.dependsOn[reductionLoop(loop)];
    if (!isPanel || unrolled.empty())
      continue;
    wholeBytes = std::max(wholeBytes, operand.bytes);
    double tiles = isStatic(vector) ? double(llvm::divideCeil(extent(vector), vectorTile)) : 4;
    panelBytes = std::max(panelBytes, operand.bytes / tiles);
  }
  vectorOutermost = wholeBytes > model.target.l2Bytes / 2;
  if (wholeBytes > 0 && !staging) {
    std::string words[] = {"rows_outermost", "panels_outermost"};
    if (vectorOutermost)
      std::swap(words[0], words[1]);
    if (model.choices.choose("order", words) == 1)
      vectorOutermost = !vectorOutermost;
  }
  SmallVector<int> rest;
  for (int loop : output->resultLoops)
    if (loop >= 0 && loop != vector)
      rest.push_back(loop);
  if (staging) {
    vectorOutermost = false;
    outer = rest;
    return;
  }
  // Loops that the weights depend on, as a batch of products has, stay outside.
  if (vectorOutermost) {
    auto inPanel = [&](int loop) {
      for (const Operand &operand : operands)
        if (operand.dependsOn[reductionLoop(vector)] && operand.bytes == wholeBytes &&
            reductionLoop(loop) >= 0)
          return bool(operand.dependsOn[reductionLoop(loop)]);
      return false;
    };
    llvm::copy_if(rest, std::back_inserter(outer), inPanel);
    outer.push_back(vector);
    llvm::copy_if(rest, std::back_inserter(outer), [&](int loop) { return !inPanel(loop); });
    return;
  }
  if (!perChannel)
    std::stable_partition(rest.begin(), rest.end(),
                          [&](int loop) { return extent(loop) != 1 && isBatch(loop); });
  outer = rest;
  // Without a sum over channels the picture is what streams: channels innermost.
  if (perChannel) {
    outer.push_back(vector);
    return;
  }
  // Within a row: a panel that fits the first cache is used for the whole row.
  bool panelStays = panelBytes <= model.target.l1Bytes * 3 / 4;
  if (panelStays && !rest.empty())
    outer.insert(outer.end() - 1, vector);
  else
    outer.push_back(vector);
}

/// The length of runs, between `least` and `most`, into which `count` iterations are best cut: the
/// last run is moved inwards and repeats work, and some threads may wait for others at the end.
static int64_t chooseRun(int64_t count, int64_t least, int64_t most) {
  int64_t best = std::min(least, count);
  double bestCost = -1;
  for (int64_t length = best; length <= std::min(most, count); ++length) {
    int64_t runs = llvm::divideCeil(count, length);
    double cost = double(runs * length) / count;
    for (int64_t threads : {2, 4})
      cost += double(llvm::alignTo(runs, threads)) / runs;
    if (bestCost < 0 || cost <= bestCost) {
      best = length;
      bestCost = cost;
    }
  }
  return best;
}

/// What the reduction reads many times is computed before: all of it, or what some rows of the
/// output need.
void RegisterTiler::place() {
  if (vectorOutermost || outer.empty())
    return;
  double bytes = 0;
  int rowLoop = -1;
  for (const Operand &operand : operands) {
    if (!operand.producer || isInlined(*operand.producer))
      continue;
    // Of one picture where the loop over pictures is outside of the rows.
    double each = operand.bytes;
    for (int loop : outer) {
      if (loop == vector || extent(loop) == 1 || !operand.dependsOn[reductionLoop(loop)])
        continue;
      if (isStatic(loop) && windowOf(operand, loop)) {
        rowLoop = loop;
        break;
      }
      each /= isStatic(loop) ? extent(loop) : 64;
    }
    bytes = std::max(bytes, each);
  }
  if (bytes <= model.target.l2Bytes / 4 || rowLoop < 0 || !isStatic(rowLoop))
    return;
  // Only loops outside of `rowLoop` may be around the chunk.
  int64_t rows = extent(rowLoop);
  int64_t chunk = std::max<int64_t>(4, int64_t(rows * (model.target.l2Bytes / 4) / bytes));
  chunk =
      chooseRun(rows, std::min<int64_t>(chunk, 4), std::min(chunk, std::max<int64_t>(rows / 4, 4)));
  for (auto [loop, positions] : unrolled)
    if (loop == rowLoop)
      return;
  chunkLoop = rowLoop;
  chunkRows = std::min(chunk, rows);
}

void RegisterTiler::scheduleOutput() {
  Stage &o = *output;
  // Versions for dynamic extents, so that the tile never reaches beyond the end.
  for (auto &[loop, positions] : unrolled)
    if (!isStatic(loop) && positions > 1) {
      SmallVector<int64_t> least = {positions};
      if (positions > 6)
        least.push_back(4);
      model.specialize(o, loopName(loop), least);
    }
  if (!isStatic(vector) && vectorTile > 1)
    model.specialize(o, loopName(vector), {vectorTile});

  std::string v = loopName(vector);
  int64_t step = vectorTile;
  if (staging)
    step = std::min(int64_t(llvm::bit_floor(uint64_t(extent(vector)))), model.lanes(o));
  model.split(o, false, v, step, v + "_o", v + "_v", TailStrategy::ShiftInwards);
  SmallVector<std::string> innermostFirst = {v + "_v"};
  if (staging)
    innermostFirst.push_back(v + "_o");
  for (auto &[loop, positions] : unrolled) {
    std::string name = loopName(loop);
    model.split(o, false, name, positions, name + "_o", name + "_u", TailStrategy::ShiftInwards);
    innermostFirst.push_back(name + "_u");
  }
  auto tileName = [&](int loop) {
    bool split = loop == vector;
    for (auto &[each, positions] : unrolled)
      split |= each == loop;
    return loopName(loop) + (split ? "_o" : "");
  };
  SmallVector<std::string> outermostFirst;
  SmallVector<int64_t> counts;
  for (int loop : outer) {
    int64_t step = loop == vector ? vectorTile : 1;
    for (auto &[each, positions] : unrolled)
      if (each == loop)
        step = positions;
    int64_t count =
        isStatic(loop) ? int64_t(llvm::divideCeil(extent(loop), step)) : ShapedType::kDynamic;
    if (loop == chunkLoop) {
      std::string name = loopName(loop);
      model.split(o, false, name, chunkRows, name + "_c", name + "_i", TailStrategy::ShiftInwards);
      outermostFirst.push_back(name + "_c");
      counts.push_back(llvm::divideCeil(extent(loop), chunkRows));
      outermostFirst.push_back(name + "_i");
      counts.push_back(chunkRows);
      continue;
    }
    outermostFirst.push_back(tileName(loop));
    counts.push_back(count);
  }
  double work = main->iterations() * std::max(main->bodyCost(), 1.0) / lanes;
  // With few rows the time is that of reading the weights, about 32 bytes in the time of two vector
  // instructions.
  constexpr double bytesPerInstruction = 16;
  double bytes = 0;
  for (const Operand &operand : operands)
    bytes += operand.bytes;
  work = std::max(work, bytes / bytesPerInstruction);
  // Where most tiles are along the innermost loop, runs of them are what goes in parallel.
  int64_t tasks = 1;
  for (int64_t count : ArrayRef(counts).drop_back(counts.empty() ? 0 : 1))
    tasks *= ShapedType::isDynamic(count) ? 1 : count;
  constexpr int64_t fewTasks = 8, manyTiles = 8;
  if (work > parallelWork && chunkLoop < 0 && !staging && !counts.empty() && tasks < fewTasks &&
      counts.back() >= manyTiles) {
    std::string name = outermostFirst.back();
    int64_t count = counts.back();
    int64_t run = chooseRun(count, llvm::divideCeil(count * tasks, 16), count / 2);
    model.split(o, false, name, run, name + "_r", name + "_i", TailStrategy::ShiftInwards);
    outermostFirst.back() = name + "_r";
    counts.back() = llvm::divideCeil(count, run);
    outermostFirst.push_back(name + "_i");
    counts.push_back(run);
  }
  // Only the loops around a chunk may be fused into the parallel one.
  size_t fusible = outermostFirst.size();
  if (chunkLoop >= 0)
    fusible = llvm::find(outermostFirst, loopName(chunkLoop) + "_c") - outermostFirst.begin() + 1;
  else if (fusible > 1)
    --fusible; // the innermost stays, for the accumulators to be computed at
  for (const std::string &name : llvm::reverse(outermostFirst))
    innermostFirst.push_back(name);
  model.reorder(o, false, innermostFirst);
  model.vectorize(o, false, v + "_v");
  if (!staging)
    for (auto &[loop, positions] : unrolled)
      model.unroll(o, false, loopName(loop) + "_u");

  // Without other loops the one over vectors of the output remains.
  std::string inner = outermostFirst.empty() ? std::string() : outermostFirst.back();
  if (work > parallelWork && !outermostFirst.empty()) {
    // A dynamic extent may be 1, as a batch is: the first known one is what to count on.
    auto isKnown = [](int64_t count) { return !ShapedType::isDynamic(count) && count != 1; };
    size_t first = 0;
    while (first < fusible && !isKnown(counts[first]))
      ++first;
    if (first == fusible)
      first = 0;
    std::string name = outermostFirst[first];
    bool dynamic = ShapedType::isDynamic(counts[first]);
    int64_t count = dynamic ? 1 : counts[first], least = perChannel ? 4 : 16;
    size_t taken = first + 1;
    while (taken < fusible && count < least) {
      std::string fused = "task" + std::to_string(taken);
      model.fuse(o, false, name, outermostFirst[taken], fused);
      if (ShapedType::isDynamic(counts[taken]))
        dynamic = true;
      else
        count *= counts[taken];
      name = fused;
      ++taken;
    }
    if (count != 1 || dynamic)
      model.parallel(o, false, name);
    if (taken == outermostFirst.size())
      inner = name;
    if (chunkLoop >= 0)
      placeLoop = taken >= fusible ? name : loopName(chunkLoop) + "_c";
  } else if (chunkLoop >= 0) {
    placeLoop = loopName(chunkLoop) + "_c";
  }
  if (staging)
    scheduleStaging(inner);
  else
    model.computeAt(main->handle, o, false, inner);
}

/// The tiles of one row of tiles, each a whole panel wide, go to memory of their own; the output is
/// made of them.
void RegisterTiler::scheduleStaging(StringRef level) {
  Stage &s = *staging;
  if (level.empty())
    model.computeRoot(s);
  else
    model.computeAt(s.handle, *output, false, level);
  auto stagingLoop = [&](int loop) {
    for (auto [i, each] : llvm::enumerate(s.outputLoops))
      if (each == loop)
        return loopName(s.resultLoops[i]);
    return std::string();
  };
  std::string v = stagingLoop(vector);
  model.split(s, false, v, vectorTile, v + "_o", v + "_v", TailStrategy::RoundUp);
  SmallVector<std::string> order = {v + "_v"};
  for (auto &[loop, positions] : unrolled)
    order.push_back(stagingLoop(loop));
  order.push_back(v + "_o");
  model.reorder(s, false, order);
  model.vectorize(s, false, v + "_v");
  for (auto &[loop, positions] : unrolled)
    model.unroll(s, false, stagingLoop(loop));
  model.computeAt(main->handle, s, false, v + "_o");
}

void RegisterTiler::scheduleReduction() {
  Stage &m = *main;
  std::string v = loopName(reductionLoop(vector));
  SmallVector<std::string> tile = {v};
  int64_t accumulators = llvm::divideCeil(vectorTile, lanes);
  for (auto &[loop, positions] : unrolled) {
    tile.push_back(loopName(reductionLoop(loop)));
    accumulators *= positions;
  }
  SmallVector<std::string> update = tile;
  // Reduction loops in their order; the innermost ones unrolled while the body stays small.
  int64_t body = accumulators;
  bool unrolling = true;
  SmallVector<std::string> fully;
  for (int i = int(m.extents.size()) - 1; i >= 0; --i) {
    if (!m.isReduction[i])
      continue;
    std::string name = loopName(i);
    int64_t extent = m.extents[i];
    if (unrolling && !ShapedType::isDynamic(extent) && extent > 1 &&
        extent * body <= unrolledBody) {
      fully.push_back(name);
      update.push_back(name);
      body *= extent;
      continue;
    }
    if (unrolling && !ShapedType::isDynamic(extent)) {
      int64_t factor = 1;
      for (int64_t each : {4, 2})
        if (factor == 1 && extent % each == 0 && each * body <= 64)
          factor = each;
      if (factor > 1) {
        model.split(m, true, name, factor, name + "_o", name + "_u", TailStrategy::Auto);
        fully.push_back(name + "_u");
        update.push_back(name + "_u");
        update.push_back(name + "_o");
        unrolling = false;
        continue;
      }
    }
    unrolling = unrolling && extent == 1;
    update.push_back(name);
  }
  model.reorder(m, false, tile);
  model.reorder(m, true, update);
  for (bool inUpdate : {false, true}) {
    model.vectorize(m, inUpdate, v);
    for (const std::string &name : llvm::drop_begin(tile))
      model.unroll(m, inUpdate, name);
  }
  for (const std::string &name : fully)
    model.unroll(m, true, name);

  for (auto &stage : model.stages) {
    if (stage.get() == main || stage.get() == staging || stage->isOutput)
      continue;
    if (isInlined(*stage))
      continue;
    // Producers that are read again and again are kept; the rest is computed where it is used.
    bool feeds = llvm::is_contained(stage->consumers, main);
    double reuse = main->iterations() / std::max(stage->iterations(), 1.0);
    if (!feeds || (reuse < 1.5 && stage->bodyCost() < 8))
      continue;
    // A stage that does not change from chunk to chunk stays outside.
    bool inChunk = false;
    for (const Operand &operand : operands)
      if (operand.producer == stage.get() && chunkLoop >= 0)
        inChunk |= operand.dependsOn[reductionLoop(chunkLoop)];
    inChunk &= !placeLoop.empty();
    if (inChunk)
      model.computeAt(stage->handle, *output, false, placeLoop);
    else
      model.computeRoot(*stage);
    vectorizeNest(model, *stage);
    if (!inChunk && !stage->reduces)
      parallelizeNest(model, *stage);
  }
}

bool RegisterTiler::run() {
  if (!match())
    return false;
  chooseTile();
  if (vectorTile < 2)
    return false;
  order();
  place();
  scheduleOutput();
  scheduleReduction();
  return true;
}

bool tile::scheduleRegisterTile(Model &model) { return RegisterTiler(model).run(); }
