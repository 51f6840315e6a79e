//===- EvaluateWinograd.cpp - the transform of filters --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/nn/Evaluate.h"
#include "dialects/nn/NN.h"
#include "dialects/nn/Winograd.h"

using namespace mlir;
using namespace sinter::nn;

/// G f Gᵀ of one filter, α×α.
template <typename T>
static void transform(const Winograd &winograd, const T *filter, double *result) {
  int64_t points = winograd.points();
  ArrayRef<double> g = winograd.filter;
  for (int64_t row = 0; row < points; ++row) {
    double rows[3];
    for (int64_t x = 0; x < 3; ++x) {
      rows[x] = 0;
      for (int64_t y = 0; y < 3; ++y)
        rows[x] += g[row * 3 + y] * double(convert<Compute<T>>(filter[y * 3 + x]));
    }
    for (int64_t column = 0; column < points; ++column) {
      const double *weights = &g[column * 3];
      result[row * points + column] =
          rows[0] * weights[0] + rows[1] * weights[1] + rows[2] * weights[2];
    }
  }
}

LogicalResult WinogradFilterOp::evaluate(ArrayRef<HostTensor> operands,
                                         MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  const Winograd &winograd = *sinter::nn::getWinograd(getTile());
  int64_t outputs = operands[0].getShape()[0], inputs = operands[0].getShape()[1];
  int64_t block = getBlock(), taps = winograd.points() * winograd.points();
  dispatchFloat(results[0].getElementType(), [&](auto element) {
    using T = decltype(element);
    SmallVector<double> transformed(taps);
    for (int64_t o = 0; o < outputs; ++o)
      for (int64_t c = 0; c < inputs; ++c) {
        transform(winograd, operands[0].as<T>() + (o * inputs + c) * 9, transformed.data());
        for (int64_t tap = 0; tap < taps; ++tap)
          results[0].as<T>()[((o / block * taps + tap) * inputs + c) * block + o % block] =
              convert<T>(transformed[tap]);
      }
  });
  return success();
}
