//===- Attention.cpp - softmax(f(Q Kᵀ)) V, some rows at a time ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For each head, or for all where there are few, K is transposed and V packed once. Then some rows
// of Q, as many as have accumulators in registers, go through everything: scores, tile by tile over
// the keys; maximum, exponentials and sum; the product with V. Their scores stay in the first
// cache, or in the second where there are thousands of keys, and no row waits for another.
//
// Vectors run along the keys, of which there may be any number: K is transposed with its last row
// repeated up to whole tiles, and nothing reads the scores behind the last key.
//
//===----------------------------------------------------------------------===//

#include "passes/kernels/kernel-tile/Model.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::tile;
using kernel::loopName;
using kernel::TailStrategy;

/// Vectors of keys, and of a head's width, that a tile is wide.
static constexpr int64_t tileVectors = 2;

/// A sum over one loop of products of two tensors.
static bool isContraction(linalg::LinalgOp op) {
  if (op.getNumReductionLoops() != 1 || op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 ||
      !isa<linalg::GenericOp>(op))
    return false;
  auto sum = op.getBlock()->getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  return sum && (sum.getLhs().getDefiningOp<arith::MulFOp>() ||
                 sum.getRhs().getDefiningOp<arith::MulFOp>());
}

/// The two products, scores first, if a kernel is attention.
static std::optional<std::pair<linalg::GenericOp, linalg::GenericOp>>
findProducts(ArrayRef<linalg::LinalgOp> stages) {
  SmallVector<linalg::GenericOp> products;
  bool hasExponential = false;
  for (linalg::LinalgOp op : stages) {
    if (isContraction(op))
      products.push_back(cast<linalg::GenericOp>(op.getOperation()));
    for (Operation &each : op.getBlock()->without_terminator())
      hasExponential |= isa<math::ExpOp>(each);
  }
  if (products.size() != 2 || !hasExponential)
    return std::nullopt;
  auto [scores, values] = std::pair(products[0], products[1]);
  // (batch…, row, key, depth) and (batch…, row, width, key), each read at plain places.
  for (linalg::GenericOp product : products) {
    SmallVector<AffineMap> maps = product.getIndexingMapsArray();
    if (product.getNumLoops() < 3 || !maps.back().isProjectedPermutation() ||
        maps.back() !=
            AffineMap::getMultiDimIdentityMap(product.getNumLoops(), product.getContext())
                .dropResult(product.getNumLoops() - 1) ||
        !llvm::all_of(maps, [](AffineMap map) { return map.isProjectedPermutation(); }))
      return std::nullopt;
  }
  if (scores.getNumLoops() != values.getNumLoops() ||
      !isa_and_nonnull<linalg::LinalgOp>(values.getInputs()[0].getDefiningOp()))
    return std::nullopt;
  return std::pair(scores, values);
}

//===----------------------------------------------------------------------===//
// The form of the algorithm
//===----------------------------------------------------------------------===//

/// What reads a copy with dims permuted reads its source.
static void foldCopies(kernel::FuncOp kernel) {
  for (linalg::LinalgOp op : kernel.getStages()) {
    auto copy = dyn_cast<linalg::GenericOp>(op.getOperation());
    if (!copy || copy.getNumDpsInputs() != 1 || copy.getNumDpsInits() != 1 ||
        copy.getNumReductionLoops() != 0 ||
        copy.getBlock()->getTerminator()->getOperand(0) != copy.getBlock()->getArgument(0) ||
        !llvm::all_of(copy->getUsers(), llvm::IsaPred<linalg::GenericOp>))
      continue;
    AffineMap read = copy.getIndexingMapsArray().front();
    for (OpOperand &use : llvm::make_early_inc_range(copy->getUses())) {
      auto reader = cast<linalg::GenericOp>(use.getOwner());
      SmallVector<AffineMap> maps = reader.getIndexingMapsArray();
      AffineMap &map = maps[use.getOperandNumber()];
      map = read.compose(map);
      use.set(copy.getInputs()[0]);
      reader.setIndexingMapsAttr(Builder(reader.getContext()).getAffineMapArrayAttr(maps));
    }
    copy.erase();
  }
}

/// An operand of a product, packed: its batch dims, then the loops `outer` and `inner` of the
/// product. With `clamp` the last element along `inner` stands for all behind it.
static void packOperand(linalg::GenericOp product, unsigned number, unsigned outer, unsigned inner,
                        bool clamp) {
  OpOperand &operand = product->getOpOperand(number);
  AffineMap map = product.getMatchingIndexingMap(&operand);
  Value source = operand.get();
  auto type = cast<RankedTensorType>(source.getType());
  OpBuilder builder(product);
  Location loc = product.getLoc();
  SmallVector<unsigned> loops; // of the product, by dim of the copy
  for (unsigned loop = 0; loop + 3 < product.getNumLoops(); ++loop)
    if (map.isFunctionOfDim(loop))
      loops.push_back(loop);
  loops.push_back(outer);
  loops.push_back(inner);
  unsigned rank = loops.size();
  // Where each dim of the copy is in the source, and back.
  SmallVector<unsigned> dimOf(type.getRank());
  SmallVector<int64_t> shape;
  SmallVector<Value> sizes;
  Value last;
  for (auto [d, loop] : llvm::enumerate(loops)) {
    unsigned position = *map.getResultPosition(builder.getAffineDimExpr(loop));
    dimOf[position] = d;
    shape.push_back(type.getDimSize(position));
    if (type.isDynamicDim(position))
      sizes.push_back(tensor::DimOp::create(builder, loc, source, position));
    if (loop == inner && clamp) {
      Value size = builder.createOrFold<tensor::DimOp>(loc, source, position);
      Value one = arith::ConstantIndexOp::create(builder, loc, 1);
      last = arith::SubIOp::create(builder, loc, size, one);
    }
  }
  Value empty = tensor::EmptyOp::create(builder, loc, shape, type.getElementType(), sizes);
  SmallVector<AffineMap> maps = {builder.getMultiDimIdentityMap(rank)};
  SmallVector<Value> inputs;
  if (!clamp) {
    SmallVector<AffineExpr> places;
    for (unsigned d : dimOf)
      places.push_back(builder.getAffineDimExpr(d));
    maps.insert(maps.begin(), AffineMap::get(rank, 0, places, product.getContext()));
    inputs.push_back(source);
  }
  SmallVector<utils::IteratorType> kinds(rank, utils::IteratorType::parallel);
  auto copy = linalg::GenericOp::create(
      builder, loc, empty.getType(), inputs, empty, maps, kinds,
      [&](OpBuilder &inside, Location loc, ValueRange arguments) {
        Value element = arguments[0];
        if (clamp) {
          SmallVector<Value> indices;
          for (unsigned d : dimOf) {
            Value index = linalg::IndexOp::create(inside, loc, d);
            indices.push_back(d + 1 == rank
                                  ? arith::MinSIOp::create(inside, loc, index, last).getResult()
                                  : index);
          }
          element = tensor::ExtractOp::create(inside, loc, source, indices);
        }
        linalg::YieldOp::create(inside, loc, element);
      });
  SmallVector<AffineExpr> reads;
  for (unsigned loop : loops)
    reads.push_back(builder.getAffineDimExpr(loop));
  SmallVector<AffineMap> all = product.getIndexingMapsArray();
  all[number] = AffineMap::get(product.getNumLoops(), 0, reads, product.getContext());
  operand.set(copy.getResult(0));
  product.setIndexingMapsAttr(builder.getAffineMapArrayAttr(all));
}

bool tile::prepareAttention(kernel::FuncOp kernel, const Target &target) {
  if (!findProducts(kernel.getStages()))
    return false;
  foldCopies(kernel);
  auto [scores, values] = *findProducts(kernel.getStages());
  unsigned loops = scores.getNumLoops(), last = loops - 1, column = loops - 2;
  int64_t keys = scores.getStaticLoopRanges()[column];
  bool whole = !ShapedType::isDynamic(keys) && keys % (tileVectors * target.lanes(4)) == 0;
  packOperand(scores, 1, last, column, /*clamp=*/!whole);
  // V's rows lie side by side already where heads are the outer dim.
  AffineMap map = values.getMatchingIndexingMap(&values->getOpOperand(1));
  auto key = map.getResultPosition(getAffineDimExpr(last, kernel.getContext()));
  if (*key + 2 != map.getNumResults())
    packOperand(values, 1, last, column, /*clamp=*/false);
  copyBehind(scores);
  return true;
}

//===----------------------------------------------------------------------===//
// The schedule
//===----------------------------------------------------------------------===//

namespace {
class AttentionTiler {
public:
  explicit AttentionTiler(Model &model) : model(model) {}
  bool run();

private:
  bool match();
  void scheduleOutput();
  void scheduleProduct(Stage &product, Stage &into, StringRef level);
  void scheduleScores();
  void schedulePacked();
  void scheduleRows();

  Model &model;
  Stage *output = nullptr, *scores = nullptr, *values = nullptr;
  Stage *staged = nullptr; ///< the scores as they are kept
  int64_t lanes = 1, rows = 1;
  int rowLoop = -1, widthLoop = -1; ///< of the output
  std::string head;  ///< loop of the output that K and V are packed in; empty: before all
  std::string level; ///< loop of the output over its tiles of rows
  bool rowsAreTasks = false;
};
} // namespace

bool AttentionTiler::match() {
  SmallVector<linalg::LinalgOp> ops;
  for (auto &stage : model.stages)
    ops.push_back(stage->op);
  auto products = findProducts(ops);
  output = model.output();
  if (!products || !output || output->reduces)
    return false;
  scores = model.producer(products->first.getResult(0));
  values = model.producer(products->second.getResult(0));
  if (scores->consumers.size() != 1 || values->consumers.size() != 1 ||
      values->consumers.front() != output)
    return false;
  staged = scores->consumers.front();
  size_t rank = values->resultLoops.size();
  rowLoop = values->outputLoops[rank - 2];
  widthLoop = values->outputLoops[rank - 1];
  if (rowLoop < 0 || widthLoop < 0 || !output->isStatic(widthLoop))
    return false;
  lanes = model.target.lanes(4);
  while (lanes > 1 && output->extents[widthLoop] % lanes != 0)
    lanes /= 2;
  constexpr int64_t manyRegisters = 32;
  rows = model.target.vectorRegisters >= manyRegisters ? 8 : 4;
  if (output->isStatic(rowLoop))
    rows = std::min(rows, int64_t(llvm::bit_floor(uint64_t(output->extents[rowLoop]))));
  return true;
}

void AttentionTiler::scheduleOutput() {
  Stage &o = *output;
  std::string row = loopName(rowLoop), width = loopName(widthLoop);
  if (!o.isStatic(rowLoop))
    model.specialize(o, row, rows > 4 ? ArrayRef<int64_t>{rows, 4} : ArrayRef<int64_t>{rows});
  int64_t tile = o.extents[widthLoop] % (tileVectors * lanes) == 0 ? tileVectors * lanes : lanes;
  model.split(o, false, row, rows, row + "_o", row + "_u", TailStrategy::ShiftInwards);
  model.split(o, false, width, tile, width + "_o", width + "_v", TailStrategy::ShiftInwards);
  SmallVector<std::string> order = {width + "_v", row + "_u", width + "_o", row + "_o"};
  SmallVector<int> heads; // outermost first
  for (int loop : o.resultLoops)
    if (loop >= 0 && loop != rowLoop && loop != widthLoop)
      heads.push_back(loop);
  for (int loop : llvm::reverse(heads))
    order.push_back(loopName(loop));
  model.reorder(o, false, order);
  model.vectorize(o, false, width + "_v");
  model.unroll(o, false, row + "_u");
  double work = 0;
  for (auto &stage : model.stages)
    work += stage->iterations() * (stage->bodyCost() + 1) / lanes;
  level = row + "_o";
  // With few heads some cores would have none left at the end.
  constexpr int64_t fewTasks = 8;
  int64_t tasks = 1;
  for (int loop : heads)
    tasks *= ShapedType::isDynamic(o.expected[loop]) ? 1 : o.expected[loop];
  rowsAreTasks = work >= parallelWork && tasks < fewTasks;
  if (!rowsAreTasks) {
    if (!heads.empty())
      head = parallelize(model, o, heads, work);
    return;
  }
  for (int loop : llvm::reverse(heads)) {
    std::string fused = loopName(loop) + "_" + level;
    model.fuse(o, false, loopName(loop), level, fused);
    level = fused;
  }
  model.parallel(o, false, level);
}

/// Accumulators of a product's tile in registers, computed at `level` of the stage that stores it.
void AttentionTiler::scheduleProduct(Stage &product, Stage &into, StringRef level) {
  model.computeAt(product.handle, into, false, level);
  int loops = product.extents.size();
  std::string k = loopName(loops - 1), column = loopName(loops - 2), row = loopName(loops - 3);
  SmallVector<std::string> tile = {column, row}, update = tile;
  constexpr int64_t unroll = 4;
  int64_t depth = product.extents[loops - 1];
  if (!ShapedType::isDynamic(depth) && depth % unroll == 0) {
    model.split(product, true, k, unroll, k + "_o", k + "_u", TailStrategy::Auto);
    update.append({k + "_u", k + "_o"});
  } else {
    update.push_back(k);
  }
  model.reorder(product, false, tile);
  model.reorder(product, true, update);
  for (bool inUpdate : {false, true}) {
    model.vectorize(product, inUpdate, column);
    model.unroll(product, inUpdate, row);
  }
  if (update.size() == 4)
    model.unroll(product, true, k + "_u");
}

/// Tiles of scores, up to a whole last one.
void AttentionTiler::scheduleScores() {
  Stage &s = *staged;
  int columnLoop = s.resultLoops.back();
  std::string column = loopName(columnLoop), row = loopName(*(s.resultLoops.end() - 2));
  int64_t vector = model.target.lanes(4);
  bool isShort = s.isStatic(columnLoop) && s.extents[columnLoop] <= vector;
  int64_t tile = isShort ? vector : tileVectors * vector;
  model.computeAt(s.handle, *output, false, level);
  model.split(s, false, column, tile, column + "_o", column + "_v", TailStrategy::RoundUp);
  model.reorder(s, false, {column + "_v", row, column + "_o"});
  model.vectorize(s, false, column + "_v");
  model.unroll(s, false, row);
  scheduleProduct(*scores, s, column + "_o");
}

/// K and V of a head. K is read a few rows at a time, all along: neighbours in a row share lines of
/// the cache, and rows that lie far apart push each other out of it.
void AttentionTiler::schedulePacked() {
  for (Stage *product : {scores, values}) {
    Stage *packed = model.producer(product->op->getOperand(1));
    if (!packed)
      continue;
    if (head.empty())
      model.computeRoot(*packed);
    else
      model.computeAt(packed->handle, *output, false, head);
    std::string inner = loopName(packed->resultLoops.back()),
                outer = loopName(*(packed->resultLoops.end() - 2));
    bool isKey = product == scores;
    int64_t vector = isKey ? model.target.lanes(4) : lanes;
    model.split(*packed, false, inner, vector, inner + "_o", inner + "_v", TailStrategy::RoundUp);
    if (isKey)
      model.reorder(*packed, false, {inner + "_v", outer, inner + "_o"});
    model.vectorize(*packed, false, inner + "_v");
    if (rowsAreTasks && packed->resultLoops.size() > 2)
      parallelizeNest(model, *packed);
  }
}

/// What there is between the products, for the rows at hand: what is read once is computed there.
void AttentionTiler::scheduleRows() {
  Stage *weights = model.producer(values->op->getOperand(0));
  SmallVector<Stage *> placed = {output,
                                 scores,
                                 values,
                                 staged,
                                 model.producer(scores->op->getOperand(1)),
                                 model.producer(values->op->getOperand(1))};
  for (auto &stage : model.stages) {
    Stage *s = stage.get();
    bool isOneValue = s->resultLoops.size() < values->resultLoops.size();
    if (llvm::is_contained(placed, s) ||
        (!s->reduces && !isOneValue && s->consumers.size() < 2 && s != weights))
      continue;
    model.computeAt(s->handle, *output, false, level);
    if (s->reduces)
      factorReduction(model, *s, output, level);
    else if (!isOneValue)
      vectorizeNest(model, *s);
  }
}

bool AttentionTiler::run() {
  if (!match())
    return false;
  scheduleOutput();
  scheduleProduct(*values, *output, loopName(widthLoop) + "_o");
  schedulePacked();
  scheduleScores();
  scheduleRows();
  return true;
}

bool tile::scheduleAttention(Model &model) { return AttentionTiler(model).run(); }
