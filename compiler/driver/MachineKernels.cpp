//===- MachineKernels.cpp - loops at the limits of the machine ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// In assembly, so that what is measured is the processor and not the compiler.
//
//===----------------------------------------------------------------------===//

#include "compiler/driver/MachineKernels.h"

using namespace sinter::driver;

#if defined(__x86_64__)

#include <immintrin.h>

std::vector<int64_t> sinter::driver::vectorSizes() {
  std::vector<int64_t> sizes;
  if (__builtin_cpu_supports("avx") && __builtin_cpu_supports("fma"))
    sizes = {16, 32};
  if (__builtin_cpu_supports("avx512f"))
    sizes.push_back(64);
  return sizes;
}

// Twelve accumulators cover latency times throughput of all processors with FMA; the factors are in
// registers 12 and 13, zero so that nothing overflows.
#define FMA(reg, i) "vfmadd231ps %%" reg "12, %%" reg "13, %%" reg #i "\n\t"
#define FMAS(reg)                                                                                  \
  FMA(reg, 0)                                                                                      \
  FMA(reg, 1)                                                                                      \
  FMA(reg, 2)                                                                                      \
  FMA(reg, 3)                                                                                      \
  FMA(reg, 4) FMA(reg, 5) FMA(reg, 6) FMA(reg, 7) FMA(reg, 8) FMA(reg, 9) FMA(reg, 10) FMA(reg, 11)
#define FMA_LOOP(reg)                                                                              \
  asm volatile("vzeroall\n\t1:\n\t" FMAS(reg) FMAS(reg) "dec %0\n\tjnz 1b\n\tvzeroupper"           \
               : "+r"(rounds)                                                                      \
               :                                                                                   \
               : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",     \
                 "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15")

double sinter::driver::multiplyAdd(int64_t vectorBytes, int64_t rounds) {
  double operations = 24.0 * rounds * (vectorBytes / 4) * 2;
  if (vectorBytes == 64)
    FMA_LOOP("zmm");
  else if (vectorBytes == 32)
    FMA_LOOP("ymm");
  else
    FMA_LOOP("xmm");
  return operations;
}

#define LOAD(reg, size, i) "vmovups " #i "*" #size "(%0), %%" reg #i "\n\t"
#define READ_LOOP(reg, size)                                                                       \
  asm volatile("1:\n\t" LOAD(reg, size, 0) LOAD(reg, size, 1) LOAD(reg, size, 2)                   \
                   LOAD(reg, size, 3) LOAD(reg, size, 4) LOAD(reg, size, 5) LOAD(reg, size, 6)     \
                       LOAD(reg, size, 7) "add $8*" #size ", %0\n\tcmp %1, %0\n\tjb 1b\n\t"        \
                                          "vzeroupper"                                             \
               : "+r"(begin)                                                                       \
               : "r"(end)                                                                          \
               : "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7")

void sinter::driver::readAll(int64_t vectorBytes, const void *data, size_t bytes) {
  const char *begin = static_cast<const char *>(data), *end = begin + bytes;
  if (vectorBytes == 64)
    READ_LOOP("zmm", 64);
  else if (vectorBytes == 32)
    READ_LOOP("ymm", 32);
  else
    READ_LOOP("xmm", 16);
}

void sinter::driver::triad(float *a, const float *b, const float *c, size_t count, bool streaming) {
  __m128 three = _mm_set1_ps(3);
  for (size_t i = 0; i < count; i += 4) {
    __m128 sum = _mm_add_ps(_mm_load_ps(b + i), _mm_mul_ps(three, _mm_load_ps(c + i)));
    if (streaming)
      _mm_stream_ps(a + i, sum);
    else
      _mm_store_ps(a + i, sum);
  }
  _mm_sfence();
}

#else

namespace {
typedef float Vector __attribute__((vector_size(16)));
}

std::vector<int64_t> sinter::driver::vectorSizes() { return {16}; }

double sinter::driver::multiplyAdd(int64_t, int64_t rounds) {
  Vector sums[16] = {}, factor = {};
  asm volatile("" : "+w"(factor));
  for (int64_t i = 0; i < rounds; ++i)
    for (Vector &sum : sums)
      sum += sum * factor;
  for (Vector &sum : sums)
    asm volatile("" : : "w"(sum));
  return 16.0 * rounds * 4 * 2;
}

void sinter::driver::readAll(int64_t, const void *data, size_t bytes) {
  const Vector *vectors = static_cast<const Vector *>(data);
  for (size_t i = 0; i < bytes / sizeof(Vector); ++i)
    asm volatile("" : : "w"(vectors[i]));
}

void sinter::driver::triad(float *a, const float *b, const float *c, size_t count, bool) {
  for (size_t i = 0; i < count; ++i)
    a[i] = b[i] + 3 * c[i];
  asm volatile("" : : : "memory");
}

#endif
