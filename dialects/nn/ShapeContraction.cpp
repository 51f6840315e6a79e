//===- ShapeContraction.cpp - shapes of products ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/ShapeHelpers.h"

using namespace mlir;
using namespace sinter::nn;

using Shapes = SmallVectorImpl<SymbolicShape>;

LogicalResult MatMulOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  SymbolicShape lhs = context.shape(op.getLhs()), rhs = context.shape(op.getRhs());
  int64_t block = op.getRhsBlock();
  if (failed(expectFactors(context, "matmul", op.getLhs(), op.getRhs())))
    return failure();
  if (lhs.empty() || rhs.empty())
    return context.emitError("matmul: operand '" + Twine(lhs.empty() ? "lhs" : "rhs") +
                             "' should have rank 1 or more");
  if (lhs.size() > 1 && op.getTransposeLhs())
    std::swap(lhs.end()[-1], lhs.end()[-2]);

  AffineExpr depth, columns;
  SymbolicShape rhsBatch;
  bool makesSums = op.getStrassen() && op.getColumns() == 0;
  if (op.getStrassen() && !makesSums) {
    if (op.getTransposeLhs())
      return context.emitError("matmul: 'strassen' reads rows of operand 'lhs', which "
                               "'transpose_lhs' takes apart");
    // 7 × N/2V × K/2 × V
    if (failed(expectRank(context, "matmul", "rhs", rhs, 4)))
      return failure();
    depth = rhs[2] * 2;
    columns = context.constant(op.getColumns());
    if (lhs.size() < 2 || block < 1 || op.getColumns() % (2 * block) != 0 || differ(rhs[0], 7) ||
        differ(rhs[1], op.getColumns() / (2 * block)) || differ(rhs[3], block))
      return context.emitError("matmul: operand 'rhs' (" + printShape(rhs) +
                               ") should hold Strassen's seven sums of " + Twine(op.getColumns()) +
                               " columns in pairs of blocks of " + Twine(block));
  } else if (block > 0 && !makesSums) {
    // ⌈N/V⌉ × K × V, or ⌈N/V⌉ × K/4 × V × 4
    int64_t beside = getDotSteps(getElementTypeOrSelf(op.getRhs()));
    if (failed(expectRank(context, "matmul", "rhs", rhs, beside == 1 ? 3 : 4)))
      return failure();
    depth = rhs[1] * beside;
    columns = context.constant(op.getColumns());
    if (differ(rhs[2], block) || (beside != 1 && differ(rhs[3], beside)) ||
        differ(rhs[0], (op.getColumns() + block - 1) / block))
      return context.emitError("matmul: packed operand 'rhs' (" + printShape(rhs) +
                               ") should hold " + Twine(op.getColumns()) +
                               " columns in blocks of " + Twine(block));
  } else if (rhs.size() == 1) {
    depth = rhs[0];
  } else {
    if (op.getTransposeRhs())
      std::swap(rhs.end()[-1], rhs.end()[-2]);
    depth = rhs.end()[-2];
    columns = rhs.end()[-1];
    rhsBatch.append(rhs.begin(), rhs.end() - 2);
  }
  if (makesSums &&
      (block < 1 || op.getTransposeRhs() || rhs.size() < 2 || lhs.size() != rhs.size() ||
       differ(columns % (2 * block), 0) || differ(depth % 2, 0)))
    return context.emitError("matmul: operand 'rhs' (" + printShape(rhs) +
                             ") should have the rank of 'lhs', rows in pairs and columns in pairs "
                             "of blocks of " +
                             Twine(block) + " for Strassen's algorithm");
  if (differ(lhs.back(), depth))
    return context.emitError("matmul: operand 'lhs' (" + printShape(lhs) + ") has " +
                             printDim(lhs.back()) + " columns, operand 'rhs' (" + printShape(rhs) +
                             ") has " + printDim(depth) + " rows");
  context.require(ShapeContext::Need::Equal, lhs.back(), depth,
                  "the columns of the first matrix and the rows of the second");

  SymbolicShape lhsBatch;
  if (lhs.size() > 2)
    lhsBatch.append(lhs.begin(), lhs.end() - 2);
  auto result = context.broadcast(lhsBatch, rhsBatch);
  if (failed(result))
    return failure();
  if (lhs.size() > 1)
    result->push_back(lhs.end()[-2]);
  if (columns)
    result->push_back(columns);
  shapes.push_back(*result);
  return success();
}

// One dim of an einsum term: a letter, or '.' for a dim of the ellipsis.
static LogicalResult expandTerm(ShapeContext &context, StringRef term, int64_t rank,
                                std::string &letters) {
  size_t ellipsis = term.find("...");
  int64_t named = ellipsis == StringRef::npos ? term.size() : term.size() - 3;
  if (named > rank || (ellipsis == StringRef::npos && named != rank))
    return context.emitError("einsum: term '" + term + "' doesn't fit an operand of rank " +
                             Twine(rank));
  letters = term.str();
  if (ellipsis != StringRef::npos)
    letters.replace(ellipsis, 3, std::string(rank - named, '.'));
  return success();
}

LogicalResult EinsumOp::inferShapes(ShapeContext &context, Adaptor op, Shapes &shapes) {
  std::string equation = op.getEquation().str();
  llvm::erase(equation, ' ');
  auto [left, output] = StringRef(equation).split("->");
  if (!StringRef(equation).contains("->"))
    return context.emitError("einsum: equation '" + equation + "' has no explicit output");
  SmallVector<StringRef> terms;
  left.split(terms, ',');
  if (terms.size() != op.getInputs().size())
    return context.emitError("einsum: equation '" + equation + "' has " + Twine(terms.size()) +
                             " terms for " + Twine(op.getInputs().size()) + " operands");

  llvm::SmallDenseMap<char, AffineExpr> sizes;
  SymbolicShape ellipsis;
  for (auto [term, input] : llvm::zip(terms, op.getInputs())) {
    SymbolicShape shape = context.shape(input), dots;
    std::string letters;
    if (failed(expandTerm(context, term, shape.size(), letters)))
      return failure();
    for (auto [letter, dim] : llvm::zip(letters, shape)) {
      if (letter == '.') {
        dots.push_back(dim);
        continue;
      }
      AffineExpr &known = sizes[letter];
      auto merged =
          context.broadcast(SymbolicShape{known ? known : context.constant(1)}, SymbolicShape{dim});
      if (failed(merged))
        return failure();
      // Two unknown dims of one letter are equal, short of broadcasting.
      known = known && !asConstant(known) && !asConstant(dim) ? known : (*merged)[0];
    }
    auto merged = context.broadcast(ellipsis, dots);
    if (failed(merged))
      return failure();
    ellipsis = *merged;
  }

  SymbolicShape result;
  for (size_t i = 0; i < output.size(); ++i) {
    if (output.substr(i).starts_with("...")) {
      result.append(ellipsis);
      i += 2;
      continue;
    }
    auto found = sizes.find(output[i]);
    if (found == sizes.end())
      return context.emitError("einsum: output letter '" + Twine(output[i]) + "' of '" + equation +
                               "' is not in any operand");
    result.push_back(found->second);
  }
  shapes.push_back(result);
  return success();
}
