//===- QuantizedFactor.h - numbers of 8 bits without their zero point -----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_DIALECTS_NN_QUANTIZEDFACTOR_H
#define SINTER_DIALECTS_NN_QUANTIZEDFACTOR_H

#include "mlir/IR/Value.h"

#include <optional>

namespace sinter::nn {

/// An i32 tensor `integer − zero` of a quantized model, as a factor of a product.
struct QuantizedFactor {
  mlir::Value integer; ///< of 8 bits, signed or not; the shape of the factor
  mlir::Value zero;    ///< i32, of a shape that broadcasts to the factor's; null for 0

  /// The factor that `value` is: a cast of 8-bit integers, with or without a zero point taken off.
  static std::optional<QuantizedFactor> match(mlir::Value value);

  /// Whether one zero point serves all of its elements.
  bool hasSingleZero() const;
};

} // namespace sinter::nn

#endif // SINTER_DIALECTS_NN_QUANTIZEDFACTOR_H
