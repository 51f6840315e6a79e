//===- SinkTransposes.cpp - transposes move down and cancel ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/NN.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "passes/graph/nn-assign-layout/NNAssignLayout.h"

using namespace mlir;
using namespace sinter;

static int64_t rankOf(Value value) { return cast<ShapedType>(value.getType()).getRank(); }

// Whether a transpose only moves dims of size 1 and so is a view, with a shape
// that a constant can give. `permutation` may be of a higher rank, as for an
// operand that broadcasts.
static bool isView(RankedTensorType type, ArrayRef<int64_t> permutation) {
  int64_t missing = permutation.size() - type.getRank(), last = -1, dynamic = 0;
  for (int64_t source : permutation) {
    if (source < missing || type.getDimSize(source - missing) == 1)
      continue;
    if (source < last)
      return false;
    last = source;
    dynamic += type.isDynamicDim(source - missing);
  }
  return dynamic <= 1;
}

// Whether `undo` costs nothing at run time.
static bool canUndo(Value value, ArrayRef<int64_t> permutation) {
  auto transpose = value.getDefiningOp<nn::TransposeOp>();
  if (transpose && transpose.getPermutation() == permutation)
    return true;
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getRank() > static_cast<int64_t>(permutation.size()))
    return false;
  return nn::getConstant(value) || isView(type, invertPermutationVector(permutation));
}

// What a transpose with `permutation` was applied to, to give `value`; builds
// the inverse transpose of a constant, or of an operand that broadcasts.
static Value undo(PatternRewriter &rewriter, Value value, ArrayRef<int64_t> permutation) {
  if (auto transpose = value.getDefiningOp<nn::TransposeOp>())
    if (transpose.getPermutation() == permutation)
      return transpose.getInput();
  int64_t rank = rankOf(value), full = permutation.size();
  auto type = cast<RankedTensorType>(value.getType());
  if (type.hasStaticShape() && type.getNumElements() == 1)
    return value;
  Location loc = value.getLoc();
  if (rank < full) {
    auto axes = llvm::to_vector(llvm::seq<int64_t>(0, full - rank));
    value = nn::UnsqueezeOp::create(rewriter, loc, value, axes);
  }
  return nn::TransposeOp::create(rewriter, loc, value, invertPermutationVector(permutation));
}

// The permutation of the first operand that is a transpose of full rank and
// moves data at run time. The others are what `undo` builds: to sink those too
// would put the same transposes above an op and below it for ever.
static std::optional<SmallVector<int64_t>> findPermutation(Operation *op, int64_t rank) {
  for (Value operand : op->getOperands()) {
    auto transpose = operand.getDefiningOp<nn::TransposeOp>();
    if (!transpose || static_cast<int64_t>(transpose.getPermutation().size()) != rank)
      continue;
    auto source = cast<RankedTensorType>(transpose.getInput().getType());
    if (!nn::getConstant(transpose.getInput()) && !isView(source, transpose.getPermutation()))
      return SmallVector<int64_t>(transpose.getPermutation());
  }
  return std::nullopt;
}

// op with other operands and attributes, result types inferred.
static Operation *rebuild(PatternRewriter &rewriter, Operation *op, ValueRange operands,
                          DictionaryAttr attributes) {
  OperationState state(op->getLoc(), op->getName(), operands, TypeRange(), attributes.getValue());
  SmallVector<Type> types;
  auto infer = cast<InferTypeOpInterface>(op);
  // The op's properties are made of the attributes; a detached op holds them.
  for (Type type : op->getResultTypes())
    state.addTypes(type);
  Operation *made = Operation::create(state);
  if (succeeded(infer.inferReturnTypes(op->getContext(), op->getLoc(), operands,
                                       made->getDiscardableAttrDictionary(),
                                       made->getPropertiesStorage(), made->getRegions(), types)))
    for (auto [result, type] : llvm::zip(made->getResults(), types))
      result.setType(type);
  rewriter.insert(made);
  return made;
}

namespace {

/// f(T(a), T(b), …) → T(f(a, b, …)) for elementwise f.
struct SinkThroughElementwise : RewritePattern {
  SinkThroughElementwise(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}
  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (!isa<nn::ScalarOpInterface>(op) || isa_and_nonnull<nn::FusedOp>(op->getParentOp()))
      return rewriter.notifyMatchFailure(op, "not elementwise");
    auto permutation = findPermutation(op, rankOf(op->getResult(0)));
    if (!permutation)
      return rewriter.notifyMatchFailure(op, "no operand is a transpose");
    // All operands must follow before anything is built.
    for (Value operand : op->getOperands())
      if (!canUndo(operand, *permutation))
        return rewriter.notifyMatchFailure(op, "an operand isn't transposed");
    SmallVector<Value> operands;
    for (Value operand : op->getOperands())
      operands.push_back(undo(rewriter, operand, *permutation));
    Operation *moved = rebuild(rewriter, op, operands, op->getAttrDictionary());
    rewriter.replaceOpWithNewOp<nn::TransposeOp>(op, moved->getResult(0), *permutation);
    return success();
  }
};

/// An op that names dims of its first operand by attributes.
template <typename Op>
struct SinkThroughAxes : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    auto transpose = op->getOperand(0).template getDefiningOp<nn::TransposeOp>();
    if (!transpose)
      return rewriter.notifyMatchFailure(op, "the operand isn't a transpose");
    ArrayRef<int64_t> permutation = transpose.getPermutation();
    // axes may come in any order, so long as companions (starts, sizes) keep it.
    SmallVector<int64_t> axes;
    for (int64_t axis : op.getAxes())
      axes.push_back(permutation[axis]);
    SmallVector<int64_t> result(permutation);
    if constexpr (std::is_same_v<Op, nn::ReduceOp>) {
      llvm::sort(axes);
      if (!op.getKeepdims()) {
        // Dims that stay, renumbered.
        result.clear();
        for (auto [d, source] : llvm::enumerate(permutation))
          if (!llvm::is_contained(op.getAxes(), static_cast<int64_t>(d)))
            result.push_back(source -
                             llvm::count_if(axes, [&](int64_t axis) { return axis < source; }));
      }
    } else if constexpr (std::is_same_v<Op, nn::SqueezeOp>) {
      llvm::sort(axes);
      result.clear();
      for (auto [d, source] : llvm::enumerate(permutation))
        if (!llvm::is_contained(op.getAxes(), static_cast<int64_t>(d)))
          result.push_back(source -
                           llvm::count_if(axes, [&](int64_t axis) { return axis < source; }));
    }
    SmallVector<Value> operands(op->getOperands());
    operands[0] = transpose.getInput();
    NamedAttrList attributes(op->getAttrDictionary());
    attributes.set("axes", rewriter.getDenseI64ArrayAttr(axes));
    Operation *moved = rebuild(rewriter, op, operands, attributes.getDictionary(op.getContext()));
    rewriter.replaceOpWithNewOp<nn::TransposeOp>(op, moved->getResult(0), result);
    return success();
  }
};

struct SinkThroughConcat : OpRewritePattern<nn::ConcatOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::ConcatOp op, PatternRewriter &rewriter) const override {
    auto permutation = findPermutation(op, rankOf(op.getResult()));
    if (!permutation)
      return rewriter.notifyMatchFailure(op, "no operand is a transpose");
    for (Value operand : op.getInputs())
      if (!canUndo(operand, *permutation))
        return rewriter.notifyMatchFailure(op, "an operand isn't transposed");
    SmallVector<Value> operands;
    for (Value operand : op.getInputs())
      operands.push_back(undo(rewriter, operand, *permutation));
    Value moved =
        nn::ConcatOp::create(rewriter, op.getLoc(), operands, (*permutation)[op.getAxis()]);
    rewriter.replaceOpWithNewOp<nn::TransposeOp>(op, moved, *permutation);
    return success();
  }
};

struct SinkThroughPad : OpRewritePattern<nn::PadOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::PadOp op, PatternRewriter &rewriter) const override {
    auto transpose = op.getInput().getDefiningOp<nn::TransposeOp>();
    auto constant = nn::getConstant(op.getPads());
    if (!transpose || !constant)
      return rewriter.notifyMatchFailure(op, "no transpose, or dynamic pads");
    ArrayRef<int64_t> permutation = transpose.getPermutation();
    int64_t rank = permutation.size();
    nn::HostTensor pads = nn::HostTensor::fromAttribute(constant);
    SmallVector<int64_t> moved(2 * rank);
    for (int64_t d = 0; d < rank; ++d) {
      moved[permutation[d]] = pads.getInt(d);
      moved[rank + permutation[d]] = pads.getInt(rank + d);
    }
    Value padded = nn::PadOp::create(rewriter, op.getLoc(), transpose.getInput(),
                                     nn::createIndexConstant(rewriter, op.getLoc(), moved),
                                     op.getValue(), op.getMode());
    rewriter.replaceOpWithNewOp<nn::TransposeOp>(op, padded, permutation);
    return success();
  }
};

/// A transpose that only moves dims of size 1 is a view.
struct UnitTransposeToReshape : OpRewritePattern<nn::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::TransposeOp op, PatternRewriter &rewriter) const override {
    if (!isView(cast<RankedTensorType>(op.getInput().getType()), op.getPermutation()))
      return rewriter.notifyMatchFailure(op, "moves data, or the shape isn't a constant");
    SmallVector<int64_t> shape;
    for (int64_t dim : cast<ShapedType>(op.getType()).getShape())
      shape.push_back(ShapedType::isDynamic(dim) ? -1 : dim);
    rewriter.replaceOpWithNewOp<nn::ReshapeOp>(
        op, op.getInput(), nn::createIndexConstant(rewriter, op.getLoc(), shape),
        /*allowzero=*/false);
    return success();
  }
};

/// T2(T1(x)) → T(x); nothing if that is the identity.
struct ComposeTransposes : OpRewritePattern<nn::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::TransposeOp op, PatternRewriter &rewriter) const override {
    if (isIdentityPermutation(op.getPermutation())) {
      rewriter.replaceOp(op, op.getInput());
      return success();
    }
    auto first = op.getInput().getDefiningOp<nn::TransposeOp>();
    if (!first)
      return rewriter.notifyMatchFailure(op, "stands alone");
    SmallVector<int64_t> permutation;
    for (int64_t source : op.getPermutation())
      permutation.push_back(first.getPermutation()[source]);
    if (isIdentityPermutation(permutation))
      rewriter.replaceOp(op, first.getInput());
    else
      rewriter.replaceOpWithNewOp<nn::TransposeOp>(op, first.getInput(), permutation);
    return success();
  }
};

/// Whether a transpose takes channels from the innermost place to dim 1, as
/// those do that the layout's choice has put behind an op.
static bool isChannelsLastToFirst(ArrayRef<int64_t> permutation) {
  int64_t rank = permutation.size();
  for (int64_t d = 2; d < rank; ++d)
    if (permutation[d] != d - 1)
      return false;
  return rank > 2 && permutation[0] == 0 && permutation[1] == rank - 1;
}

/// reshape(T(x)) → T'(reshape(x)) when the reshape splits or merges dims. If it
/// merges dims that do not lie side by side in x, as a channel shuffle does,
/// x itself is transposed so that they do, within what T' leaves in place. What
/// is innermost in x must be of samples (or filters) or channels then, and not
/// become a place: heads that are put side by side behind attention are no
/// channels, and their transpose stays.
struct SinkThroughReshape : OpRewritePattern<nn::ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::ReshapeOp op, PatternRewriter &rewriter) const override {
    auto transpose = op.getInput().getDefiningOp<nn::TransposeOp>();
    auto source = cast<RankedTensorType>(op.getInput().getType());
    auto target = cast<RankedTensorType>(op.getType());
    if (!transpose || !source.hasStaticShape() || !target.hasStaticShape() ||
        source.getRank() == target.getRank())
      return rewriter.notifyMatchFailure(op, "not a split or merge");
    bool splits = target.getRank() > source.getRank();
    auto groups = getReassociationIndicesForReshape(source, target);
    if (!groups)
      return rewriter.notifyMatchFailure(op, "not a split or merge");
    ArrayRef<int64_t> permutation = transpose.getPermutation();
    // Dims of x in order, each with what it becomes.
    SmallVector<int64_t> shape, result(target.getRank());
    SmallVector<int64_t> inverse = invertPermutationVector(permutation);
    Value input = transpose.getInput();
    if (splits) {
      // Source dim i of the reshape is target dims groups[i].
      for (int64_t d = 0; d < source.getRank(); ++d)
        for (int64_t t : (*groups)[inverse[d]]) {
          result[t] = shape.size();
          shape.push_back(target.getDimSize(t));
        }
    } else {
      // Target dim t is source dims groups[t]: all of them stand where the first of them does in x.
      SmallVector<int64_t> targetOf(source.getRank()), order;
      for (auto [t, group] : llvm::enumerate(*groups))
        for (int64_t s : group)
          targetOf[s] = t;
      SmallVector<bool> seen(target.getRank(), false);
      for (int64_t d = 0; d < source.getRank(); ++d) {
        int64_t t = targetOf[inverse[d]];
        if (seen[t])
          continue;
        seen[t] = true;
        for (int64_t s : (*groups)[t])
          order.push_back(permutation[s]);
        result[t] = shape.size();
        shape.push_back(target.getDimSize(t));
      }
      if (!isIdentityPermutation(order)) {
        if (ArrayRef(order) == permutation || !isChannelsLastToFirst(result) ||
            targetOf[inverse.back()] > 1)
          return rewriter.notifyMatchFailure(op, "merges distant dims");
        input = nn::TransposeOp::create(rewriter, op.getLoc(), input, order);
      }
    }
    Value reshaped = nn::ReshapeOp::create(
        rewriter, op.getLoc(), input, nn::createIndexConstant(rewriter, op.getLoc(), shape), false);
    rewriter.replaceOpWithNewOp<nn::TransposeOp>(op, reshaped, result);
    return success();
  }
};

} // namespace

void sinter::populateSinkTransposePatterns(RewritePatternSet &patterns) {
  patterns.add<SinkThroughElementwise, SinkThroughAxes<nn::ReduceOp>,
               SinkThroughAxes<nn::SoftmaxOp>, SinkThroughAxes<nn::SliceOp>,
               SinkThroughAxes<nn::ResizeOp>, SinkThroughAxes<nn::SqueezeOp>, SinkThroughConcat,
               SinkThroughPad, SinkThroughReshape, UnitTransposeToReshape, ComposeTransposes>(
      patterns.getContext());
}
