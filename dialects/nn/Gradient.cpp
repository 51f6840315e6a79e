//===- Gradient.cpp - reverse-mode differentiation of a block -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/NN.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;
using namespace sinter::nn;

static bool isFloatTensor(Value value) { return isa<FloatType>(getElementTypeOrSelf(value)); }

// What cotangents would flow to if the op had a derivative.
static SmallVector<Value> getVjpInputs(Operation *op) {
  if (auto differentiable = dyn_cast<DifferentiableOpInterface>(op))
    return differentiable.getVjpInputs();
  return llvm::to_vector(op->getOperands());
}

namespace {
/// Cotangents of values, added up where several flow to one.
class Cotangents {
public:
  explicit Cotangents(OpBuilder &builder) : builder(builder) {}

  Value get(Value value) const { return sums.lookup(value); }
  void add(Value value, Value cotangent, Location loc) {
    if (!cotangent)
      return;
    Value &sum = sums[value];
    sum = sum ? AddOp::create(builder, loc, sum, cotangent).getResult() : cotangent;
  }

private:
  OpBuilder &builder;
  DenseMap<Value, Value> sums;
};
} // namespace

FailureOr<SmallVector<Value>> sinter::nn::buildGradients(OpBuilder &builder, Block &block,
                                                         ValueRange outputs, ValueRange seeds,
                                                         ValueRange inputs) {
  // An op's derivative may replace uses of the op: keep the values as they are.
  SmallVector<Value> sources(inputs);
  // Forward: which values depend on the inputs, through floats.
  SmallVector<Operation *> ops;
  llvm::SmallDenseSet<Value> active(sources.begin(), sources.end());
  for (Operation &op : block) {
    if (op.hasTrait<OpTrait::IsTerminator>() ||
        llvm::none_of(getVjpInputs(&op), [&](Value value) { return active.contains(value); }))
      continue;
    ops.push_back(&op);
    for (Value result : op.getResults())
      if (isFloatTensor(result))
        active.insert(result);
  }

  Cotangents cotangents(builder);
  for (auto [output, seed] : llvm::zip_equal(outputs, seeds))
    cotangents.add(output, seed, output.getLoc());
  for (Operation *op : llvm::reverse(ops)) {
    SmallVector<Value> ofResults;
    for (Value result : op->getResults())
      ofResults.push_back(cotangents.get(result));
    if (llvm::none_of(ofResults, [](Value value) { return value != nullptr; }))
      continue;
    auto differentiable = dyn_cast<DifferentiableOpInterface>(op);
    if (!differentiable)
      return op->emitOpError("has no derivative, but lies between what is differentiated and "
                             "what by");
    SmallVector<Value> to = differentiable.getVjpInputs();
    llvm::SmallBitVector wanted(to.size());
    for (auto [i, value] : llvm::enumerate(to))
      wanted[i] = isFloatTensor(value) && active.contains(value);
    auto ofInputs = differentiable.buildVjp(builder, ofResults, wanted);
    if (failed(ofInputs))
      return failure();
    for (auto [i, value] : llvm::enumerate(to))
      if (wanted[i])
        cotangents.add(value, (*ofInputs)[i], op->getLoc());
  }

  SmallVector<Value> gradients;
  for (Value source : sources)
    gradients.push_back(cotangents.get(source));
  return gradients;
}
