//===- MatMul.cpp - matrix products and Einstein sums ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/onnx/Node.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::onnx_import;
using Ints = Node::Ints;

namespace {

LogicalResult buildMatMul(Node &node) {
  return node.yield(node.create<nn::MatMulOp>(node.getInput(0), node.getInput(1)));
}

/// value · factor, in the value's element type.
Value scale(Node &node, Value value, double factor, StringRef name) {
  if (factor == 1)
    return value;
  if (!isa<FloatType>(getElementTypeOrSelf(value.getType())) &&
      factor != static_cast<int64_t>(factor))
    (void)node.emitUnsupported("a fractional '" + name + "' for integer matrices");
  return node.mul(value, node.scalarLike(value, factor));
}

LogicalResult buildGemm(Node &node) {
  for (unsigned i : {0, 1})
    if (node.getRank(i) != 2)
      return node.emitError("input " + Twine(i) + " has rank " + Twine(node.getRank(i)) +
                            "; expected a matrix");
  double alpha = node.getFloat("alpha", 1), beta = node.getFloat("beta", 1);
  Value result = node.create<nn::MatMulOp>(node.getInput(0), node.getInput(1),
                                           node.getFlag("transA"), node.getFlag("transB"));
  result = scale(node, result, alpha, "alpha");
  if (node.hasInput(2) && beta != 0)
    result = node.add(result, scale(node, node.getInput(2), beta, "beta"));
  return node.yield(result);
}

LogicalResult buildDet(Node &node) {
  if (node.getRank(0) < 2)
    return node.emitError("the input must have rank 2 or more");
  return node.yield(node.create<nn::DetOp>(node.getInput(0)));
}

/// a − its zero point, in i32. A vector of zero points stands for the rows
/// (`axis` −2) or columns (−1).
Value withoutZeroPoint(Node &node, unsigned input, unsigned zeroPoint, int64_t axis) {
  Type i32 = IntegerType::get(node.getContext(), 32);
  Value value = node.cast(node.getInput(input), i32);
  if (!node.hasInput(zeroPoint))
    return value;
  Value zero = node.cast(node.getInput(zeroPoint), i32);
  auto type = node.getInputType(zeroPoint);
  if (type.getRank() == 1 && type.getDimSize(0) != 1 && axis == -2 && node.getRank(input) > 1)
    zero = node.unsqueeze(zero, {1});
  return node.sub(value, zero);
}

LogicalResult buildMatMulInteger(Node &node) {
  Value lhs = withoutZeroPoint(node, 0, 2, -2);
  Value rhs = withoutZeroPoint(node, 1, 3, -1);
  return node.yield(node.create<nn::MatMulOp>(lhs, rhs));
}

//===----------------------------------------------------------------------===//
// Einsum
//===----------------------------------------------------------------------===//

constexpr StringLiteral ellipsis = "...";

/// A term with its ellipsis replaced by the last `count` of `dots`.
std::string expandEllipsis(StringRef term, StringRef dots, size_t count) {
  auto [before, after] = term.split(ellipsis);
  if (!term.contains(ellipsis))
    return term.str();
  return (before + dots.take_back(count) + after).str();
}

/// Gives the equation explicit letters for ellipses and an explicit output, and
/// drops dims of size 1 that broadcast against others.
LogicalResult buildEinsum(Node &node) {
  std::string text = node.requireString("equation");
  llvm::erase_if(text, [](char c) { return llvm::isSpace(c); });
  if (node.failed())
    return failure();
  auto [left, right] = StringRef(text).split("->");
  bool isExplicit = StringRef(text).contains("->");
  SmallVector<StringRef> terms;
  left.split(terms, ',');
  if (terms.size() != node.getNumInputs())
    return node.emitError("the equation '" + text + "' has " + Twine(terms.size()) + " terms for " +
                          Twine(node.getNumInputs()) + " inputs");
  auto isTerm = [](StringRef term) {
    std::string letters = term.str();
    size_t dots = letters.find("...");
    if (dots != std::string::npos)
      letters.erase(dots, 3);
    return llvm::all_of(letters, llvm::isAlpha);
  };
  if (!llvm::all_of(terms, isTerm) || !isTerm(right))
    return node.emitError("the equation '" + text + "' is malformed");

  // How many dims each ellipsis stands for.
  SmallVector<size_t> dotCounts;
  size_t maxDots = 0;
  for (auto [index, term] : llvm::enumerate(terms)) {
    bool dots = term.contains(ellipsis);
    int64_t letters = term.size() - (dots ? 3 : 0);
    int64_t rank = node.getRank(index);
    if (dots ? rank < letters : rank != letters)
      return node.emitError("the term '" + term + "' doesn't fit input " + Twine(index) +
                            " of rank " + Twine(rank));
    dotCounts.push_back(dots ? rank - letters : 0);
    maxDots = std::max(maxDots, dotCounts.back());
  }
  std::string dots;
  for (char c = 'A'; c <= 'z' && dots.size() < maxDots; ++c)
    if (llvm::isAlpha(c) && !StringRef(text).contains(c))
      dots += c;
  if (dots.size() < maxDots)
    return node.emitUnsupported("an equation of more than 52 subscripts");

  std::string output;
  if (isExplicit) {
    output = expandEllipsis(right, dots, maxDots);
  } else {
    // Subscripts that appear once, in alphabetical order, after the ellipsis.
    output = dots;
    for (char c = 'A'; c <= 'z'; ++c)
      if (llvm::isAlpha(c) && left.count(c) == 1)
        output += c;
  }

  SmallVector<std::string> expanded;
  for (auto [term, count] : llvm::zip(terms, dotCounts))
    expanded.push_back(expandEllipsis(term, dots, count));
  auto sizeOf = [&](size_t input, size_t position) {
    return node.getInputType(input).getDimSize(position);
  };
  // A letter is wide if some input has it with a size that isn't 1.
  std::string wide;
  for (auto [index, term] : llvm::enumerate(expanded))
    for (auto [position, letter] : llvm::enumerate(term))
      if (sizeOf(index, position) != 1)
        wide += letter;
  std::string equation;
  Node::Values inputs;
  for (auto [index, term] : llvm::enumerate(expanded)) {
    Ints dropped;
    std::string kept;
    for (auto [position, letter] : llvm::enumerate(term)) {
      if (sizeOf(index, position) == 1 && StringRef(wide).contains(letter))
        dropped.push_back(position);
      else
        kept += letter;
    }
    Value input = node.getInput(index);
    inputs.push_back(dropped.empty() ? input : node.squeeze(input, dropped));
    equation += (index ? "," : "") + kept;
  }
  for (auto [position, letter] : llvm::enumerate(output)) {
    if (!StringRef(equation).contains(letter))
      return node.emitError("the equation '" + text + "' has '" + Twine(letter) +
                            "' only in its output");
    if (StringRef(output).count(letter) != 1)
      return node.emitError("the equation '" + text + "' has '" + Twine(letter) +
                            "' twice in its output");
  }
  equation += "->" + output;
  return node.yield(node.create<nn::EinsumOp>(ValueRange(inputs), equation));
}

} // namespace

void sinter::onnx_import::registerMatMulOperators(OperatorTable &table) {
  table.add("MatMul", 1, buildMatMul, 2);
  table.add("Gemm", 1, buildGemm, {2, 3});
  table.add("Det", 11, buildDet, 1);
  table.add("MatMulInteger", 10, buildMatMulInteger, {2, 4});
  table.add("Einsum", 12, buildEinsum, {1, Inputs::variadic});
}
