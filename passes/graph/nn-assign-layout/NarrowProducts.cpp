//===- NarrowProducts.cpp - products of quantized numbers in 8 bits -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A quantized model takes zero points off and multiplies in i32. With the sum taken apart,
//   Σ (x − z) w = Σ x w − z Σ w,
// the factors of the long one are the 8-bit integers themselves, of which targets have dot
// products, and what is left is a number for each column (Jacob et al., "Quantization and Training
// of Neural Networks for Efficient Integer-Arithmetic-Only Inference", 2018, section 2.3). i32
// wraps, so that both sides are the same bits.
//
//===----------------------------------------------------------------------===//

#include "dialects/nn/NN.h"
#include "dialects/nn/QuantizedFactor.h"
#include "passes/graph/nn-assign-layout/NNAssignLayout.h"

using namespace mlir;
using namespace sinter;

static Type elementTypeOf(Value value) { return getElementTypeOrSelf(value.getType()); }

static Value castTo(OpBuilder &builder, Location loc, Value value, Type type) {
  return nn::CastOp::create(builder, loc, value, TypeAttr::get(type));
}

// Whether all elements of an i32 constant are those of signed 8-bit integers.
static bool fitsSigned(ElementsAttr constant) {
  nn::HostTensor values = nn::HostTensor::fromAttribute(constant);
  const int32_t *data = values.as<int32_t>();
  return std::all_of(data, data + values.getNumElements(),
                     [](int32_t value) { return llvm::isInt<8>(value); });
}

// The same as signed 8-bit integers.
static Value narrow(OpBuilder &builder, Value weights) {
  nn::HostTensor wide = nn::HostTensor::fromAttribute(nn::getConstant(weights));
  nn::HostTensor narrow(builder.getI8Type(), wide.getShape());
  std::copy_n(wide.as<int32_t>(), wide.getNumElements(), narrow.as<int8_t>());
  auto name = dyn_cast<NameLoc>(weights.getLoc());
  return nn::ConstantOp::create(builder, weights.getLoc(),
                                narrow.toAttribute(name ? name.getName().getValue() : "weights"));
}

/// The same number, of integers that have a sign or not, as the target's dot product wants them,
/// and of a zero point without dims.
static void convert(nn::QuantizedFactor &factor, PatternRewriter &rewriter, Location loc,
                    bool isUnsigned) {
  Type i32 = rewriter.getI32Type();
  auto &[integer, zero] = factor;
  if (zero)
    zero = nn::ReshapeOp::create(rewriter, loc, zero, nn::createIndexConstant(rewriter, loc, {}),
                                 /*allowzero=*/false);
  if (elementTypeOf(integer).isUnsignedInteger() == isUnsigned)
    return;
  Value shift = nn::createScalar(rewriter, loc, i32, isUnsigned ? 128 : -128);
  Value moved = nn::AddOp::create(rewriter, loc, castTo(rewriter, loc, integer, i32), shift);
  Type type = rewriter.getIntegerType(8, /*isSigned=*/false);
  integer = castTo(rewriter, loc, moved, isUnsigned ? type : rewriter.getI8Type());
  zero = zero ? nn::AddOp::create(rewriter, loc, zero, shift).getResult() : shift;
}

namespace {

/// Matches a product of a quantized factor and a constant, which the subclasses build again.
template <typename Op>
struct NarrowProduct : OpRewritePattern<Op> {
  NarrowProduct(MLIRContext *context, bool isUnsigned)
      : OpRewritePattern<Op>(context), isUnsigned(isUnsigned) {}

  std::optional<nn::QuantizedFactor> match(Op op) const {
    auto constant = nn::getConstant(op->getOperand(1));
    if (!constant || !elementTypeOf(op->getOperand(1)).isSignlessInteger(32) ||
        !fitsSigned(constant))
      return std::nullopt;
    auto factor = nn::QuantizedFactor::match(op->getOperand(0));
    return factor && factor->hasSingleZero() ? factor : std::nullopt;
  }

  /// −z Σ w for each column, where the weights are summed along `axes`.
  static Value correct(PatternRewriter &rewriter, Location loc, Value zero, Value weights,
                       ArrayRef<int64_t> axes) {
    Value sums = nn::ReduceOp::create(rewriter, loc, weights, nn::ReduceKind::sum, axes,
                                      /*keepdims=*/false);
    return nn::NegOp::create(rewriter, loc, nn::MulOp::create(rewriter, loc, sums, zero));
  }

  bool isUnsigned; ///< what the target multiplies signed weights by
};

struct NarrowMatMul : NarrowProduct<nn::MatMulOp> {
  using NarrowProduct::NarrowProduct;

  LogicalResult matchAndRewrite(nn::MatMulOp op, PatternRewriter &rewriter) const override {
    Value rhs = op.getRhs();
    auto lhsType = cast<RankedTensorType>(op.getLhs().getType());
    auto rhsType = cast<RankedTensorType>(rhs.getType());
    if (rhsType.getRank() != 2 || lhsType.getRank() < 2 || op.getTransposeLhs())
      return rewriter.notifyMatchFailure(op, "no rows times a matrix");
    auto factor = match(op);
    if (!factor)
      return rewriter.notifyMatchFailure(op, "no 8-bit integers times a constant of 8 bits");
    Location loc = op.getLoc();
    convert(*factor, rewriter, loc, isUnsigned);
    Value result = nn::MatMulOp::create(rewriter, loc, factor->integer, narrow(rewriter, rhs),
                                        /*transpose_lhs=*/false, op.getTransposeRhs());
    if (factor->zero)
      result = nn::AddOp::create(
          rewriter, loc, result,
          correct(rewriter, loc, factor->zero, rhs, {op.getTransposeRhs() ? 1 : 0}));
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct NarrowConv : NarrowProduct<nn::ConvOp> {
  using NarrowProduct::NarrowProduct;

  LogicalResult matchAndRewrite(nn::ConvOp op, PatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getFilter().getType());
    int64_t group = op.getGroup(), spatial = type.getRank() - 2;
    if (op.getFilterBlock() != 0 || op.getDataLayout() != nn::DataLayout::channels_first ||
        (group != 1 && !op.isDepthwise()))
      return rewriter.notifyMatchFailure(op, "packed already, or in groups");
    auto factor = match(op);
    if (!factor)
      return rewriter.notifyMatchFailure(op, "no 8-bit integers times a constant of 8 bits");
    bool unsignedInput = elementTypeOf(factor->integer).isUnsignedInteger();
    bool hasZero = factor->zero || unsignedInput != isUnsigned;
    if (hasZero && op.getAutoPad() != nn::AutoPad::notset)
      return rewriter.notifyMatchFailure(op, "a border of unknown width");
    Location loc = op.getLoc();
    convert(*factor, rewriter, loc, isUnsigned);

    // The border is what stands for 0.
    SmallVector<int64_t> pads(op.getPads());
    if (factor->zero && llvm::any_of(pads, [](int64_t pad) { return pad != 0; })) {
      SmallVector<int64_t> border(2 * type.getRank(), 0);
      for (int64_t d = 0; d < spatial; ++d) {
        border[2 + d] = pads[d];
        border[type.getRank() + 2 + d] = pads[spatial + d];
      }
      Value value = castTo(rewriter, loc, factor->zero, elementTypeOf(factor->integer));
      factor->integer = nn::PadOp::create(rewriter, loc, factor->integer,
                                          nn::createIndexConstant(rewriter, loc, border), value,
                                          nn::PadMode::constant);
      pads.assign(pads.size(), 0);
    }
    Value bias = op.getBias();
    if (factor->zero) {
      auto axes = llvm::to_vector(llvm::seq<int64_t>(1, type.getRank()));
      Value correction = correct(rewriter, loc, factor->zero, op.getFilter(), axes);
      bias = bias ? nn::AddOp::create(rewriter, loc, bias, correction).getResult() : correction;
    }
    rewriter.replaceOpWithNewOp<nn::ConvOp>(op, factor->integer, narrow(rewriter, op.getFilter()),
                                            bias, op.getStrides(), pads, op.getDilations(), group,
                                            op.getAutoPad());
    return success();
  }
};

} // namespace

void sinter::populateNarrowProductPatterns(RewritePatternSet &patterns, bool isUnsigned) {
  patterns.add<NarrowMatMul, NarrowConv>(patterns.getContext(), isUnsigned);
}
