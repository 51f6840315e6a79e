//===- Padding.h - pads of windows as ONNX's attributes ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_COMPILER_EXPORT_ONNX_PADDING_H
#define SINTER_COMPILER_EXPORT_ONNX_PADDING_H

#include "compiler/export/onnx/OpWriter.h"

namespace sinter::onnx_export {

/// `pads`, or the rule that they follow.
template <typename Op>
void setPadding(Attributes &attributes, Op op) {
  if (op.getAutoPad() == nn::AutoPad::notset)
    attributes.set("pads", op.getPads());
  else
    attributes.set("auto_pad", stringifyAutoPad(op.getAutoPad()).upper());
}

} // namespace sinter::onnx_export

#endif // SINTER_COMPILER_EXPORT_ONNX_PADDING_H
