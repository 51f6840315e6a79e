//===- EvaluateRandom.cpp - the random number generator -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "dialects/nn/Evaluate.h"
#include "dialects/nn/NN.h"
#include "dialects/nn/Random.h"

using namespace mlir;
using namespace sinter::nn;

std::array<uint32_t, 4> sinter::nn::philox(std::array<uint32_t, 4> counter, uint32_t key0,
                                           uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    uint64_t even = uint64_t(0xD2511F53) * counter[0], odd = uint64_t(0xCD9E8D57) * counter[2];
    counter = {uint32_t(odd >> 32) ^ counter[1] ^ key0, uint32_t(odd),
               uint32_t(even >> 32) ^ counter[3] ^ key1, uint32_t(even)};
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  return counter;
}

LogicalResult RandomUniformOp::evaluate(ArrayRef<HostTensor> operands,
                                        MutableArrayRef<HostTensor> results) {
  if (!results[0].isAllocated())
    return failure();
  auto seed = static_cast<uint64_t>(operands[0].getInt(0)),
       stream = static_cast<uint64_t>(operands[0].getInt(1));
  int64_t first = 0, elements = results[0].getNumElements();
  if (operands[0].getNumElements() > 2 && elements > 0)
    first = operands[0].getInt(2) * (elements / results[0].getShape()[0]);
  dispatchFloat(results[0].getElementType(), [&](auto element) {
    using T = decltype(element);
    unsigned bits =
        std::min(24u, APFloat::semanticsPrecision(
                          cast<FloatType>(results[0].getElementType()).getFloatSemantics()));
    std::array<uint32_t, 4> block{};
    for (int64_t i = 0, e = results[0].getNumElements(); i < e; ++i) {
      int64_t at = first + i;
      if (i == 0 || at % 4 == 0)
        block = philox(
            {uint32_t(at / 4), uint32_t(getLayer()), uint32_t(stream), uint32_t(stream >> 32)},
            uint32_t(seed), uint32_t(seed >> 32));
      results[0].as<T>()[i] =
          convert<T>(std::ldexp(double(block[at % 4] >> (32 - bits)), -int(bits)));
    }
  });
  return success();
}
