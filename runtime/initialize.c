/*===- initialize.c - first values of parameters --------------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* Element i takes word i of its stream, whatever the machine: only IEEE's    *|
|* exact operations are used, and none is contracted. The compiler has these  *|
|* functions, too, for models that are not trained.                           *|
\*===----------------------------------------------------------------------===*/

#include "runtime/include/sinter/initialize.h"

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

/*===- Random numbers -------------------------------------------------------===*/

typedef struct Block {
  uint32_t words[4];
} Block;

/* Philox 4x32-10 (J. K. Salmon et al., Parallel random numbers: as easy as
   1, 2, 3, SC11). */
static Block philox(uint64_t seed, uint64_t stream, uint64_t number) {
  uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
  uint32_t c0 = (uint32_t)number, c1 = (uint32_t)(number >> 32);
  uint32_t c2 = (uint32_t)stream, c3 = (uint32_t)(stream >> 32);
  for (int round = 0; round < 10; ++round) {
    uint64_t even = (uint64_t)0xD2511F53 * c0, odd = (uint64_t)0xCD9E8D57 * c2;
    uint32_t next0 = (uint32_t)(odd >> 32) ^ c1 ^ key0;
    uint32_t next2 = (uint32_t)(even >> 32) ^ c3 ^ key1;
    c0 = next0;
    c1 = (uint32_t)odd;
    c2 = next2;
    c3 = (uint32_t)even;
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  Block block = {{c0, c1, c2, c3}};
  return block;
}

/* x > 0 */
static double logarithm(double x) {
  union {
    double value;
    uint64_t bits;
  } u = {x};
  int exponent = (int)(u.bits >> 52) - 1023;
  u.bits = (u.bits & 0x000FFFFFFFFFFFFF) | 0x3FF0000000000000;
  if (u.value > 1.4142135623730951) {
    u.value *= 0.5;
    ++exponent;
  }
  /* ln m = 2 artanh((m - 1) / (m + 1)) */
  double s = (u.value - 1) / (u.value + 1), square = s * s, sum = 0;
  for (int k = 25; k >= 1; k -= 2)
    sum = sum * square + 1.0 / k;
  return 2 * s * sum + exponent * 0.6931471805599453;
}

static double polynomial(const double *coefficients, double x) {
  double sum = coefficients[7];
  for (int k = 6; k >= 0; --k)
    sum = sum * x + coefficients[k];
  return sum;
}

/* The p-quantile of the normal distribution (Wichura, Algorithm AS 241, 1988). */
static double quantile(double p) {
  static const double center[2][8] = {
      {3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
       1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
       3.3430575583588128105e4, 2.5090809287301226727e3},
      {1, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
       2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4,
       5.2264952788528545610e3}};
  static const double middle[2][8] = {
      {1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
       3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
       2.27238449892691845833e-2, 7.74545014278341407640e-4},
      {1, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
       1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
       1.05075007164441684324e-9}};
  static const double tail[2][8] = {
      {6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
       2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
       2.71155556874348757815e-5, 2.01033439929228813265e-7},
      {1, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
       7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
       2.04426310338993978564e-15}};
  double q = p - 0.5;
  if (q >= -0.425 && q <= 0.425) {
    double r = 0.180625 - q * q;
    return q * polynomial(center[0], r) / polynomial(center[1], r);
  }
  double r = __builtin_sqrt(-logarithm(q < 0 ? p : 1 - p)), x;
  if (r <= 5)
    x = polynomial(middle[0], r - 1.6) / polynomial(middle[1], r - 1.6);
  else
    x = polynomial(tail[0], r - 5) / polynomial(tail[1], r - 5);
  return q < 0 ? -x : x;
}

/*===- Distributions --------------------------------------------------------===*/

static double draw(const SinterInitializer *initializer, uint32_t word) {
  const double below = 0.02275013194817920721; /* the share under -2 deviations */
  double a = initializer->a, b = initializer->b;
  double open = ((double)word + 0.5) / 4294967296.0; /* in (0, 1) */
  switch (initializer->kind) {
  case SINTER_INIT_UNIFORM:
    return a + (b - a) * ((double)(word >> 8) / 16777216.0);
  case SINTER_INIT_TRUNCATED_NORMAL:
    return a + b * quantile(below + (1 - 2 * below) * open);
  case SINTER_INIT_ORTHOGONAL:
    return quantile(open);
  default:
    return a + b * quantile(open);
  }
}

static void fill(const SinterInitializer *initializer, int64_t count, uint64_t seed,
                 float *values) {
  Block block = {{0, 0, 0, 0}};
  for (int64_t i = 0; i < count; ++i) {
    if (i % 4 == 0)
      block = philox(seed, initializer->stream, (uint64_t)i / 4);
    values[i] = (float)draw(initializer, block.words[i % 4]);
  }
}

/* Gram and Schmidt over the columns, or over the rows if they are fewer (Saxe et
   al., ICLR 2014); twice, for the digits that the first pass loses. */
static void makeOrthonormal(float *values, int64_t rows, int64_t columns, double gain) {
  int64_t count = rows < columns ? rows : columns, length = rows < columns ? columns : rows;
  int64_t next = rows < columns ? columns : 1, step = rows < columns ? 1 : columns;
  for (int64_t i = 0; i < count; ++i) {
    float *vector = values + i * next;
    for (int pass = 0; pass < 2; ++pass)
      for (int64_t j = 0; j < i; ++j) {
        const float *other = values + j * next;
        double dot = 0;
        for (int64_t k = 0; k < length; ++k)
          dot += (double)vector[k * step] * other[k * step];
        for (int64_t k = 0; k < length; ++k)
          vector[k * step] = (float)(vector[k * step] - dot * other[k * step]);
      }
    double norm = 0;
    for (int64_t k = 0; k < length; ++k)
      norm += (double)vector[k * step] * vector[k * step];
    norm = 1 / __builtin_sqrt(norm);
    for (int64_t k = 0; k < length; ++k)
      vector[k * step] = (float)(vector[k * step] * norm);
  }
  for (int64_t i = 0; i < rows * columns; ++i)
    values[i] = (float)(values[i] * gain);
}

void sinter_rt_initialize(const SinterInitializer *initializer, int32_t rank, const int64_t *dims,
                          uint64_t seed, float *values) {
  int64_t count = 1;
  for (int32_t d = 0; d < rank; ++d)
    count *= dims[d];
  if (initializer->kind == SINTER_INIT_CONSTANT || initializer->kind == SINTER_INIT_VALUES) {
    const float *given = (const float *)initializer->values;
    for (int64_t i = 0; i < count; ++i)
      values[i] = initializer->kind == SINTER_INIT_VALUES ? given[i] : (float)initializer->a;
    return;
  }
  fill(initializer, count, seed, values);
  if (initializer->kind == SINTER_INIT_ORTHOGONAL && count > 0) {
    int64_t columns = rank > 0 ? dims[rank - 1] : 1;
    makeOrthonormal(values, count / columns, columns, initializer->a);
  }
}
