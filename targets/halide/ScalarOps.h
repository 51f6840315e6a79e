//===- ScalarOps.h - arith and math ops as Halide expressions -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Seen only by the files of this folder that are compiled with RTTI and exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TARGETS_HALIDE_SCALAROPS_H
#define SINTER_TARGETS_HALIDE_SCALAROPS_H

#include <Halide.h>

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"

#include <string>
#include <vector>

namespace sinter::halide {

/// Why a kernel cannot take Halide's road. Thrown inside this folder, never through MLIR's code.
struct Refusal {
  std::string reason;
};

/// The Halide type that carries an element type: integers are signed of their width, i1 is Bool,
/// bf16 its bits in a UInt(16), index Int(32).
Halide::Type typeOf(mlir::Type type);

/// A scalar constant, or an element of a dense one.
Halide::Expr constantOf(mlir::Type type, mlir::Attribute value);

/// A value of index type as a coordinate.
Halide::Expr coordinate(Halide::Expr index);

/// The only result of a scalar `arith` or `math` op. Null if there is no entry for it.
Halide::Expr scalarOp(mlir::Operation *op, std::vector<Halide::Expr> operands);

} // namespace sinter::halide

#endif // SINTER_TARGETS_HALIDE_SCALAROPS_H
