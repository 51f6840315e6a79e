//===- EvaluateElementwise.h - loops of the elementwise ops ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_DIALECTS_NN_EVALUATEELEMENTWISE_H
#define SINTER_DIALECTS_NN_EVALUATEELEMENTWISE_H

#include "dialects/nn/Evaluate.h"

namespace sinter::nn {

/// result[i] = f(input[i]), in the compute types.
template <typename T, typename R, typename F>
void mapUnary(const HostTensor &input, HostTensor &result, F f) {
  const T *in = input.as<T>();
  R *out = result.as<R>();
  for (int64_t i = 0, e = result.getNumElements(); i < e; ++i)
    out[i] = convert<R>(f(convert<Compute<T>>(in[i])));
}

/// result[i] = f(lhs[i], rhs[i]) with broadcasting, in the compute types.
template <typename T, typename U, typename R, typename F>
void mapBinary(const HostTensor &lhs, const HostTensor &rhs, HostTensor &result, F f) {
  llvm::ArrayRef<int64_t> shape = result.getShape();
  StridedLoop loop(shape, {getStrides(shape), getBroadcastStrides(lhs.getShape(), shape),
                           getBroadcastStrides(rhs.getShape(), shape)});
  loop.run([&](const int64_t *offsets, const int64_t *strides, int64_t count) {
    R *out = result.as<R>() + offsets[0];
    const T *x = lhs.as<T>() + offsets[1];
    const U *y = rhs.as<U>() + offsets[2];
    auto apply = [&](T a, U b) {
      return convert<R>(f(convert<Compute<T>>(a), convert<Compute<U>>(b)));
    };
    if (strides[1] == 1 && strides[2] == 1)
      for (int64_t i = 0; i < count; ++i)
        out[i] = apply(x[i], y[i]);
    else if (strides[1] == 1 && strides[2] == 0)
      for (int64_t i = 0; i < count; ++i)
        out[i] = apply(x[i], *y);
    else
      for (int64_t i = 0; i < count; ++i)
        out[i] = apply(x[i * strides[1]], y[i * strides[2]]);
  });
}

} // namespace sinter::nn

#endif // SINTER_DIALECTS_NN_EVALUATEELEMENTWISE_H
