//===- LowerMatMul.cpp - matmul, einsum -----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Canonical form of a matrix product: fill with zeros, then one linalg.generic
// over (batch…, m, n, k) whose body is out + lhs · rhs. Narrow floats are
// accumulated in f32, and a last stage narrows them. With a packed rhs of 8-bit
// integers k is two loops, over fours and within them.
//
//===----------------------------------------------------------------------===//

#include "passes/kernels/nn-to-kernel/LowerContext.h"

using namespace mlir;
using namespace sinter;

// Dims [0, count) of an operand as the last of `batch` loops, NumPy broadcast.
static void appendBatch(Value value, unsigned count, unsigned batch, ArrayRef<int64_t> result,
                        LowerContext &context, SmallVectorImpl<AffineExpr> &indices) {
  auto type = cast<RankedTensorType>(value.getType());
  for (unsigned dim = 0; dim < count; ++dim) {
    unsigned loop = batch - count + dim;
    bool repeated = type.getDimSize(dim) == 1 && result[loop] != 1;
    indices.push_back(repeated ? context.zero() : context.loop(loop));
  }
}

static LogicalResult lowerMatMul(nn::MatMulOp op, LowerContext &context) {
  if (op.getStrassen())
    return lowerStrassen(op, context);
  auto lhsType = op.getLhs().getType(), rhsType = op.getRhs().getType();
  auto resultType = op.getOutput().getType();
  nn::SymbolicShape lhsShape = context.shape(op.getLhs());
  unsigned lhsRank = lhsType.getRank(), rhsRank = rhsType.getRank();
  int64_t block = op.getRhsBlock();
  bool hasRow = lhsRank > 1, hasColumn = rhsRank > 1;
  unsigned rank = resultType.getRank();
  unsigned batch = rank - hasRow - hasColumn;
  ArrayRef<int64_t> dims = resultType.getShape();
  AffineExpr m = hasRow ? context.loop(batch) : AffineExpr();
  AffineExpr n = hasColumn ? context.loop(batch + hasRow) : AffineExpr();
  AffineExpr k = context.loop(rank);
  int64_t beside = block > 0 ? nn::getDotSteps(lhsType.getElementType()) : 1;
  if (beside != 1)
    k = k * beside + context.loop(rank + 1);

  Input lhs{context.operand(op.getLhs()), {}};
  bool transposeLhs = hasRow && op.getTransposeLhs();
  if (hasRow) {
    appendBatch(op.getLhs(), lhsRank - 2, batch, dims, context, lhs.indices);
    llvm::append_values(lhs.indices, transposeLhs ? k : m, transposeLhs ? m : k);
  } else {
    lhs.indices.push_back(k);
  }
  AffineExpr depth = lhsShape[transposeLhs ? lhsRank - 2 : lhsRank - 1];
  SmallVector<Size> depths{depth};
  if (beside != 1)
    depths = {depth.floorDiv(beside), context.constant(beside)};

  Input rhs{context.operand(op.getRhs()), {}};
  if (beside != 1) {
    llvm::append_values(rhs.indices, n.floorDiv(block), context.loop(rank), n % block,
                        context.loop(rank + 1));
  } else if (block > 0) {
    llvm::append_values(rhs.indices, n.floorDiv(block), k, n % block);
  } else if (hasColumn) {
    appendBatch(op.getRhs(), rhsRank - 2, batch, dims, context, rhs.indices);
    llvm::append_values(rhs.indices, op.getTransposeRhs() ? n : k, op.getTransposeRhs() ? k : n);
  } else {
    rhs.indices.push_back(k);
  }

  Type elementType = nn::getSignlessType(resultType.getElementType());
  Type type = getAccumulatorType(elementType);
  Value init = context.fill(context.empty(op.getOutput(), type), 0.0);
  Value sum = context.reduce(init, depths, {lhs, rhs}, [&](Body &body) {
    return body.out[0] + convert(body.in[0], type, lhs.operand.isUnsigned) *
                             convert(body.in[1], type, rhs.operand.isUnsigned);
  });
  context.set(op.getOutput(), context.narrow(sum, elementType));
  return success();
}

//===----------------------------------------------------------------------===//
// einsum
//===----------------------------------------------------------------------===//

// The labels of one term; dims of an ellipsis are numbered from the right, so
// that they broadcast: label 0x100 + i is the i-th from the right.
static SmallVector<unsigned> parseTerm(StringRef term, unsigned ellipsisRank) {
  SmallVector<unsigned> labels;
  for (size_t i = 0; i < term.size(); ++i) {
    if (term[i] == ' ')
      continue;
    if (term[i] != '.') {
      labels.push_back(static_cast<unsigned char>(term[i]));
      continue;
    }
    for (unsigned dim = ellipsisRank; dim-- > 0;)
      labels.push_back(0x100 + dim);
    while (i + 1 < term.size() && term[i + 1] == '.')
      ++i;
  }
  return labels;
}

static unsigned countLetters(StringRef term) {
  return llvm::count_if(term, [](char c) { return c != ' ' && c != '.'; });
}

static LogicalResult lowerEinsum(nn::EinsumOp op, LowerContext &context) {
  auto [left, right] = op.getEquation().split("->");
  SmallVector<StringRef> terms;
  left.split(terms, ',');
  if (terms.size() != op.getInputs().size())
    return context.fail("has an equation with another number of terms than "
                        "operands");
  unsigned resultRank = op.getOutput().getType().getRank();
  SmallVector<unsigned> resultLabels = parseTerm(right, resultRank - countLetters(right));

  // Result labels are the first loops, the others reductions.
  llvm::MapVector<unsigned, unsigned> loopOf;
  for (unsigned label : resultLabels)
    loopOf.insert({label, loopOf.size()});
  SmallVector<SmallVector<unsigned>> inputLabels;
  llvm::DenseMap<unsigned, AffineExpr> sizes;
  for (auto [term, value] : llvm::zip(terms, op.getInputs())) {
    unsigned rank = cast<RankedTensorType>(value.getType()).getRank();
    inputLabels.push_back(parseTerm(term, rank - countLetters(term)));
    for (auto [label, size] : llvm::zip(inputLabels.back(), context.shape(value))) {
      loopOf.insert({label, loopOf.size()});
      AffineExpr &known = sizes[label];
      auto constant = known ? nn::asConstant(known) : std::nullopt;
      if (!known || (constant && *constant == 1))
        known = size;
    }
  }
  SmallVector<Size> reductions;
  for (auto [label, loop] : loopOf)
    if (loop >= resultRank)
      reductions.push_back(sizes[label]);

  SmallVector<Input> inputs;
  for (auto [labels, value] : llvm::zip(inputLabels, op.getInputs())) {
    Input input{context.operand(value), {}};
    auto shape = cast<RankedTensorType>(value.getType()).getShape();
    for (auto [label, size] : llvm::zip(labels, shape)) {
      auto whole = nn::asConstant(sizes[label]);
      bool repeated = size == 1 && !(whole && *whole == 1);
      input.indices.push_back(repeated ? context.zero() : context.loop(loopOf[label]));
    }
    inputs.push_back(input);
  }

  Type elementType = inputs[0].operand.elementType;
  Type type = getAccumulatorType(elementType);
  auto multiply = [&](Body &body) {
    Scalar product = convert(body.in[0], type);
    for (Scalar factor : ArrayRef<Scalar>(body.in).drop_front())
      product = product * convert(factor, type);
    return product;
  };
  if (reductions.empty()) {
    context.set(op.getOutput(), context.map(context.empty(op.getOutput()), inputs, [&](Body &body) {
      return convert(multiply(body), elementType);
    }));
    return success();
  }
  Value init = context.fill(context.empty(op.getOutput(), type), 0.0);
  Value sum = context.reduce(init, reductions, inputs,
                             [&](Body &body) { return body.out[0] + multiply(body); });
  context.set(op.getOutput(), context.narrow(sum, elementType));
  return success();
}

void sinter::addMatMulLowerings(LoweringTable &table) {
  table.add<nn::MatMulOp, lowerMatMul>();
  table.add<nn::EinsumOp, lowerEinsum>();
}
