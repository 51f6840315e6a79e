//===- Term.h - nn ops written as formulas ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What builds many ops (derivatives, losses, optimizers) is written with the
// operators of C++.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_DIALECTS_NN_TERM_H
#define SINTER_DIALECTS_NN_TERM_H

#include "dialects/nn/NN.h"

namespace sinter::nn {

/// A float tensor with operators, each of which builds an op.
class Term {
public:
  Term(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value)
      : builder(&builder), loc(loc), value(value) {}

  mlir::Value get() const { return value; }
  operator mlir::Value() const { return value; }
  mlir::RankedTensorType getType() const {
    return llvm::cast<mlir::RankedTensorType>(value.getType());
  }
  int64_t getRank() const { return getType().getRank(); }
  Term with(mlir::Value other) const { return {*builder, loc, other}; }
  /// A scalar of the same element type.
  Term number(double constant) const {
    return with(createScalar(*builder, loc, getType().getElementType(), constant));
  }
  /// Builds an OpTy on this and `arguments`.
  template <typename OpTy, typename... Arguments>
  Term apply(const Arguments &...arguments) const {
    return with(OpTy::create(*builder, loc, value, arguments...)->getResult(0));
  }
  /// An i1 tensor.
  Term compare(ComparePredicate predicate, mlir::Value other) const {
    return apply<CompareOp>(other, predicate);
  }
  Term compare(ComparePredicate predicate, double constant) const {
    return compare(predicate, number(constant));
  }
  /// Sums over `axes`, which stay as dims of size 1.
  Term sum(llvm::ArrayRef<int64_t> axes) const {
    return apply<ReduceOp>(ReduceKind::sum, axes, /*keepdims=*/true);
  }
  Term mean(llvm::ArrayRef<int64_t> axes) const {
    return apply<ReduceOp>(ReduceKind::mean, axes, /*keepdims=*/true);
  }
  Term transpose(llvm::ArrayRef<int64_t> permutation) const {
    return apply<TransposeOp>(permutation);
  }
  Term unsqueeze(llvm::ArrayRef<int64_t> axes) const { return apply<UnsqueezeOp>(axes); }
  Term squeeze(llvm::ArrayRef<int64_t> axes) const { return apply<SqueezeOp>(axes); }
  Term reshape(mlir::Value shape) const { return apply<ReshapeOp>(shape, /*allowzero=*/true); }

  mlir::OpBuilder &getBuilder() const { return *builder; }
  mlir::Location getLoc() const { return loc; }

private:
  mlir::OpBuilder *builder;
  mlir::Location loc;
  mlir::Value value;
};

inline Term operator+(Term x, Term y) { return x.apply<AddOp>(y.get()); }
inline Term operator-(Term x, Term y) { return x.apply<SubOp>(y.get()); }
inline Term operator*(Term x, Term y) { return x.apply<MulOp>(y.get()); }
inline Term operator/(Term x, Term y) { return x.apply<DivOp>(y.get()); }
inline Term operator-(Term x) { return x.apply<NegOp>(); }
inline Term operator+(Term x, double y) { return x + x.number(y); }
inline Term operator-(Term x, double y) { return x - x.number(y); }
inline Term operator*(Term x, double y) { return x * x.number(y); }
inline Term operator*(double x, Term y) { return y * x; }
inline Term operator-(double x, Term y) { return y.number(x) - y; }
inline Term operator+(double x, Term y) { return y + x; }
inline Term operator/(double x, Term y) { return y.number(x) / y; }
inline Term select(Term condition, Term yes, Term no) {
  return yes.with(
      WhereOp::create(yes.getBuilder(), yes.getLoc(), condition, yes, no)->getResult(0));
}
inline Term select(Term condition, Term yes, double no) {
  return select(condition, yes, yes.number(no));
}

/// A dim: known, or a 1-D tensor of one element.
struct Dim {
  Dim(int64_t size) : size(size) {}
  Dim(mlir::Value value) : value(value) {}
  int64_t size = mlir::ShapedType::kDynamic;
  mlir::Value value;
};
Dim dimOf(Term x, int64_t axis);
mlir::Value toTensor(Term like, Dim dim);
Dim addDims(Term like, Dim lhs, Dim rhs);
Dim subDims(Term like, Dim lhs, Dim rhs);
Dim mulDims(Term like, Dim lhs, Dim rhs);
Dim minDims(Term like, Dim lhs, Dim rhs);
Dim maxDims(Term like, Dim lhs, Dim rhs);
/// The 1-D index tensor of `dims`.
mlir::Value shapeTensor(Term like, llvm::ArrayRef<Dim> dims);
/// x's shape as an index tensor, a constant where it is static.
mlir::Value shapeOf(Term x);
/// The same elements under the shape of `like`.
Term reshapeLike(Term x, mlir::Value like);
/// Zeros of the shape of `like`.
Term zerosLike(Term like);
Term zeros(Term like, llvm::ArrayRef<Dim> dims);
Term expandLike(Term x, mlir::Value like);
/// `x` summed over the dims that broadcasting `like` to it repeats.
Term sumTo(Term x, mlir::Value like);
/// The same from x's own shape `from`, if what is repeated is certain.
std::optional<Term> trySumTo(Term x, const SymbolicShape &from, const SymbolicShape &to);
/// x[begin : begin + size] along `axis`.
Term slice(Term x, int64_t axis, Dim begin, Dim end);
/// Reverses the axes.
Term flip(Term x, llvm::ArrayRef<int64_t> axes);
/// [begin, begin + 1, …, end)
inline llvm::SmallVector<int64_t> axesRange(int64_t begin, int64_t end) {
  return llvm::to_vector(llvm::seq<int64_t>(begin, end));
}

} // namespace sinter::nn

#endif // SINTER_DIALECTS_NN_TERM_H
