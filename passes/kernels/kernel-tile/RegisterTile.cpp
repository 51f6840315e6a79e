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

#include "passes/kernels/kernel-tile/RegisterTile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::tile;

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

int64_t tile::strideOf(AffineExpr expr, AffineExpr v) {
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

/// The loop of a sum over four products of 8-bit integers that the target adds up at once: the
/// integers lie side by side in both operands, and have a sign or none as its dot product wants.
int RegisterTiler::findDot() const {
  auto op = dyn_cast<linalg::GenericOp>(main->op.getOperation());
  int loop = int(main->extents.size()) - 1;
  if (!model.target.int8Dot || !op || op.getNumDpsInputs() != 2 || !main->isReduction[loop] ||
      main->extents[loop] != 4)
    return -1;
  auto sum = op.getBlock()->getTerminator()->getOperand(0).getDefiningOp<arith::AddIOp>();
  auto product = sum ? sum.getRhs().getDefiningOp<arith::MulIOp>() : nullptr;
  if (!product || !product.getType().isInteger(32) ||
      sum.getLhs() != op.getBlock()->getArguments().back())
    return -1;
  bool isUnsigned[2];
  for (unsigned i : {0, 1}) {
    Operation *wide = product->getOperand(i).getDefiningOp();
    if (!isa_and_nonnull<arith::ExtUIOp, arith::ExtSIOp>(wide) ||
        wide->getOperand(0) != op.getBlock()->getArgument(i) ||
        !wide->getOperand(0).getType().isInteger(8))
      return -1;
    isUnsigned[i] = isa<arith::ExtUIOp>(wide);
    AffineMap map = op.getIndexingMapsArray()[i];
    if (map.getNumResults() == 0 ||
        strideOf(map.getResults().back(), getAffineDimExpr(loop, map.getContext())) != 1)
      return -1;
  }
  return isUnsigned[0] == model.target.unsignedDot && !isUnsigned[1] ? loop : -1;
}

/// Whether neighbours along v are neighbours in memory. Collects the widths of packed layouts.
bool RegisterTiler::isDenseAlongVector(AffineMap map) {
  AffineExpr v = getAffineDimExpr(reductionLoop(vector), map.getContext());
  // What one dot product takes is one element of the vector.
  ArrayRef<AffineExpr> results = map.getResults();
  if (dot >= 0 && results.back() == getAffineDimExpr(dot, map.getContext()))
    results = results.drop_back();
  for (auto [i, result] : llvm::enumerate(results)) {
    if (!result.isFunctionOfDim(reductionLoop(vector)))
      continue;
    bool last = i + 1 == results.size();
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

/// About the number of vector instructions of the reduction. With few rows the time is that of
/// reading the weights, about 32 bytes in the time of two vector instructions.
double RegisterTiler::work() const {
  constexpr double bytesPerInstruction = 16;
  double bytes = 0;
  for (const Operand &operand : operands)
    bytes += operand.bytes;
  // A dot product is one instruction, of four steps.
  double body = dot < 0 ? std::max(main->bodyCost(), 1.0) : 0.25;
  return std::max(main->iterations() * body / (lanes * parts), bytes / bytesPerInstruction);
}

/// How an operand's window slides along a loop of the output.
std::optional<Window> RegisterTiler::windowOf(const Operand &operand, int loop) const {
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

bool RegisterTiler::match() {
  output = model.output();
  main = model.reduction();
  if (!output || output->reduces || !main || main->readAnywhere || main->op.getNumDpsInits() != 1)
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

  dot = findDot();
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
    operand.producer = model.producer(use->get());
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
        (dot >= 0 || extent(vector) % model.target.lanes(4) != 0) && main->consumers.size() == 1 &&
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
