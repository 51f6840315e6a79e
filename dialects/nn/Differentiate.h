//===- Differentiate.h - what the derivatives are written with --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to the Differentiate*.cpp files. In formulas x and y are an op's
// operand and result, g the result's cotangent.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_DIALECTS_NN_DIFFERENTIATE_H
#define SINTER_DIALECTS_NN_DIFFERENTIATE_H

#include "dialects/nn/Term.h"

namespace sinter::nn {

using Vjp = llvm::FailureOr<llvm::SmallVector<mlir::Value>>;

/// One element of a 1-D index tensor; a number if it is a constant.
Dim elementOf(Term like, mlir::Value contents, int64_t position);
/// The n × n unit matrix.
Term identity(Term like, Dim size);
/// Σ over positions along `axis` of x · matrix[position][·].
Term contractAxis(Term x, int64_t axis, Term matrix);
/// The cotangent of gather's input.
Term scatterRows(Term input, Term indices, int64_t axis, Term g);

} // namespace sinter::nn

#endif // SINTER_DIALECTS_NN_DIFFERENTIATE_H
