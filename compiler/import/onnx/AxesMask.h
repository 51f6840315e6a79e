//===- AxesMask.h - axes that are only known at run time -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_COMPILER_IMPORT_ONNX_AXESMASK_H
#define SINTER_COMPILER_IMPORT_ONNX_AXESMASK_H

#include "compiler/import/onnx/Node.h"

namespace sinter::onnx_import {

/// nn ops take axes as attributes. Where ONNX takes them as an input that is
/// computed at run time, a mask over the dims stands for them.
class AxesMask {
public:
  /// From an input, a list of axes (negative ones count from the end) among
  /// `rank` dims. After an error of the node, nothing.
  static std::optional<AxesMask> create(Node &node, unsigned input, int64_t rank);

  /// 1-D i1, true at the axes.
  mlir::Value getMask() const { return mask; }
  /// Whether dim `dim` is an axis: i1 of one element.
  mlir::Value isAxis(Node &node, int64_t dim) const;
  /// The elements of a list of `rank` where no axis points.
  mlir::Value dropMarked(Node &node, mlir::Value list) const;
  /// A list of `rank` with ones at the axes and `list`'s elements, in order,
  /// elsewhere.
  mlir::Value insertOnes(Node &node, mlir::Value list, int64_t listLength) const;

private:
  mlir::Value mask;
  /// Dynamic if the number of axes is.
  int64_t rank, count;
};

} // namespace sinter::onnx_import

#endif // SINTER_COMPILER_IMPORT_ONNX_AXESMASK_H
