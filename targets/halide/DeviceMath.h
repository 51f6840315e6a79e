//===- DeviceMath.h - scalar math where a device runs it ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Seen only by the files of this folder that are compiled with RTTI and exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TARGETS_HALIDE_DEVICEMATH_H
#define SINTER_TARGETS_HALIDE_DEVICEMATH_H

#include "targets/halide/ScalarOps.h"

namespace sinter::halide {

/// What compiles a kernel's code.
enum class Backend { CPU, OpenCL, CUDA };

/// Ops that a device has and ScalarOps builds of others, some in double precision. Null if `op` is
/// none of these.
Halide::Expr deviceOp(mlir::Operation *op, const std::vector<Halide::Expr> &operands,
                      Backend backend);

/// The value that a stage's body yields, with the device's functions in the place of libm's.
/// Products contract with sums inside of the body, and only there: `isRounded` says that this value
/// is a product that later stages may add to.
Halide::Expr forDevice(Halide::Expr value, bool isRounded, Backend backend);

} // namespace sinter::halide

#endif // SINTER_TARGETS_HALIDE_DEVICEMATH_H
