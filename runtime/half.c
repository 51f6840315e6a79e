/*===- half.c - float16 and bfloat16 without compiler-rt ------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* LLVM's code generation calls these where the CPU has no instruction. Round *|
|* to nearest, ties to even; NaN stays NaN. Integers only: a conversion here  *|
|* would call itself.                                                         *|
\*===----------------------------------------------------------------------===*/

#include <stdint.h>

#define HELPER __attribute__((used, visibility("hidden")))

static inline uint32_t bitsOf(float x) {
  uint32_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  return bits;
}

static inline uint64_t bitsOfDouble(double x) {
  uint64_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  return bits;
}

static inline _Float16 halfOf(uint16_t bits) {
  _Float16 x;
  __builtin_memcpy(&x, &bits, sizeof x);
  return x;
}

/* x / 2^shift, to nearest, ties to even. */
static inline uint64_t roundShift(uint64_t x, int shift) {
  if (shift <= 0)
    return x;
  if (shift > 63)
    return 0;
  uint64_t quotient = x >> shift;
  uint64_t rest = x & (((uint64_t)1 << shift) - 1);
  uint64_t half = (uint64_t)1 << (shift - 1);
  return quotient + (rest > half || (rest == half && (quotient & 1)));
}

/* A binary float of `fraction` fraction bits, its exponent's bias `bias`, to
   one of 16 bits. A carry out of the fraction rounds into the exponent, and
   from the largest number to infinity, as it should. */
static inline uint16_t narrow(uint64_t bits, int fraction, int bias, int width, int toFraction,
                              int toBias) {
  int exponentBits = width - 1 - fraction;
  uint64_t exponentMask = ((uint64_t)1 << exponentBits) - 1;
  uint64_t mantissa = bits & (((uint64_t)1 << fraction) - 1);
  int64_t exponent = (int64_t)(bits >> fraction & exponentMask);
  uint16_t sign = (uint16_t)(bits >> (width - 1)) << 15;
  uint16_t infinity = (uint16_t)((2 * toBias + 1) << toFraction);

  if (exponent == (int64_t)exponentMask) {
    if (!mantissa)
      return sign | infinity;
    uint16_t payload = (uint16_t)(mantissa >> (fraction - toFraction));
    return sign | infinity | (uint16_t)(1 << (toFraction - 1)) | payload;
  }
  if (exponent == 0 && mantissa == 0)
    return sign;
  if (exponent == 0)
    exponent = 1; /* subnormal: no implicit bit */
  else
    mantissa |= (uint64_t)1 << fraction;
  int64_t to = exponent - bias + toBias;
  if (to >= 2 * toBias + 1)
    return sign | infinity;
  int shift = fraction - toFraction;
  if (to <= 0) { /* a subnormal of the narrow type */
    int64_t more = shift + 1 - to;
    return sign | (uint16_t)roundShift(mantissa, more > 63 ? 63 : (int)more);
  }
  uint64_t rounded = roundShift(mantissa, shift);
  uint64_t implicit = (uint64_t)1 << toFraction;
  if (rounded < implicit) /* a subnormal of the same exponent range */
    return sign | (uint16_t)rounded;
  return sign | (uint16_t)(((uint64_t)to << toFraction) + rounded - implicit);
}

HELPER _Float16 __truncsfhf2(float x) { return halfOf(narrow(bitsOf(x), 23, 127, 32, 10, 15)); }

HELPER _Float16 __truncdfhf2(double x) {
  return halfOf(narrow(bitsOfDouble(x), 52, 1023, 64, 10, 15));
}

HELPER float __extendhfsf2(_Float16 x) {
  uint16_t h;
  __builtin_memcpy(&h, &x, sizeof h);
  uint32_t sign = (uint32_t)(h & 0x8000) << 16;
  uint32_t exponent = h >> 10 & 0x1f, mantissa = h & 0x3ff;
  uint32_t bits;
  if (exponent == 0x1f) {
    bits = sign | 0x7f800000 | mantissa << 13 | (mantissa ? 0x400000 : 0);
  } else if (exponent) {
    bits = sign | (exponent + 112) << 23 | mantissa << 13;
  } else if (mantissa) {
    int zeros = __builtin_clz(mantissa) - 21; /* up to the implicit bit */
    bits = sign | (uint32_t)(113 - zeros) << 23 | ((mantissa << zeros) & 0x3ff) << 13;
  } else {
    bits = sign;
  }
  float result;
  __builtin_memcpy(&result, &bits, sizeof result);
  return result;
}

/* Names of older compilers, which Halide 14's code generation may call. */
HELPER float __gnu_h2f_ieee(uint16_t bits) { return __extendhfsf2(halfOf(bits)); }

HELPER uint16_t __gnu_f2h_ieee(float x) { return narrow(bitsOf(x), 23, 127, 32, 10, 15); }

/* __bf16 needs SSE2 or NEON, which every target of ours has. */
HELPER __bf16 __truncsfbf2(float x) {
  uint16_t bits = narrow(bitsOf(x), 23, 127, 32, 7, 127);
  __bf16 result;
  __builtin_memcpy(&result, &bits, sizeof result);
  return result;
}

HELPER __bf16 __truncdfbf2(double x) {
  uint16_t bits = narrow(bitsOfDouble(x), 52, 1023, 64, 7, 127);
  __bf16 result;
  __builtin_memcpy(&result, &bits, sizeof result);
  return result;
}
