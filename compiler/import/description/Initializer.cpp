//===- Initializer.cpp - first values of parameters -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/description/Initializer.h"
#include "dialects/nn/Random.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace sinter;
using namespace sinter::description;
using llvm::StringRef;

namespace {
/// Numbers of one parameter, in the order of its elements.
class Generator {
public:
  Generator(uint64_t seed, uint64_t stream) : seed(seed), stream(stream) {}

  /// In [0, 1), by 24 bits.
  double uniform() { return std::ldexp(static_cast<double>(next() >> 8), -24); }
  /// Box and Muller's, of two words each.
  double normal() {
    double radius = 1 - uniform(), angle = uniform();
    return std::sqrt(-2 * std::log(radius)) * std::cos(2 * llvm::numbers::pi * angle);
  }
  /// Drawn again beyond two deviations.
  double truncatedNormal() {
    double value = normal();
    while (std::abs(value) > 2)
      value = normal();
    return value;
  }

private:
  uint32_t next() {
    if (count % 4 == 0)
      block = nn::philox({static_cast<uint32_t>(count / 4), 0, static_cast<uint32_t>(stream),
                          static_cast<uint32_t>(stream >> 32)},
                         static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32));
    return block[count++ % 4];
  }

  uint64_t seed, stream, count = 0;
  std::array<uint32_t, 4> block{};
};
} // namespace

// Keras: the last dim is the output's, the one before the input's, the others the
// window.
static std::pair<double, double> getFans(llvm::ArrayRef<int64_t> shape) {
  if (shape.size() < 2)
    return {shape.empty() ? 1 : shape[0], shape.empty() ? 1 : shape[0]};
  double window = 1;
  for (int64_t dim : shape.drop_back(2))
    window *= static_cast<double>(dim);
  return {window * static_cast<double>(shape.end()[-2]),
          window * static_cast<double>(shape.end()[-1])};
}

// "GlorotUniform" and "glorot_uniform" are one name.
static std::string plainName(StringRef name) {
  std::string result;
  for (char c : name)
    if (c != '_')
      result += llvm::toLower(c);
  return result;
}

template <typename Function>
static void fill(nn::HostTensor &tensor, Function value) {
  for (int64_t i = 0, e = tensor.getNumElements(); i < e; ++i)
    tensor.setDouble(i, value());
}

// An orthogonal matrix (Saxe et al., ICLR 2014) by Gram and Schmidt: the columns,
// or the rows if there are fewer of them, of normal numbers.
static void fillOrthogonal(nn::HostTensor &tensor, Generator &generator, double gain) {
  int64_t columns = tensor.getShape().back(), rows = tensor.getNumElements() / columns;
  bool isTall = rows >= columns;
  int64_t count = isTall ? columns : rows, length = isTall ? rows : columns;
  std::vector<std::vector<double>> vectors(count, std::vector<double>(length));
  for (int64_t i = 0; i < count; ++i) {
    for (double &each : vectors[i])
      each = generator.normal();
    // Twice, for the digits that the first pass loses.
    for (int pass = 0; pass < 2; ++pass)
      for (int64_t j = 0; j < i; ++j) {
        double dot = 0;
        for (int64_t k = 0; k < length; ++k)
          dot += vectors[i][k] * vectors[j][k];
        for (int64_t k = 0; k < length; ++k)
          vectors[i][k] -= dot * vectors[j][k];
      }
    double norm = 0;
    for (double each : vectors[i])
      norm += each * each;
    for (double &each : vectors[i])
      each /= std::sqrt(norm);
  }
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      tensor.setDouble(r * columns + c, gain * (isTall ? vectors[c][r] : vectors[r][c]));
}

bool sinter::description::initialize(nn::HostTensor &tensor, const llvm::json::Value &initializer,
                                     uint64_t seed, uint64_t stream) {
  StringRef given;
  const llvm::json::Object *config = nullptr;
  if (auto text = initializer.getAsString()) {
    given = *text;
  } else if (const auto *object = initializer.getAsObject()) {
    given = object->getString("class_name").value_or("");
    config = object->getObject("config");
  }
  auto setting = [&](StringRef key, double otherwise) {
    return config ? config->getNumber(key).value_or(otherwise) : otherwise;
  };
  std::string name = plainName(given);
  Generator generator(seed, stream);
  auto [in, out] = getFans(tensor.getShape());
  if (name == "zeros" || name == "ones" || name == "constant") {
    double value = name == "constant" ? setting("value", 0) : name == "ones" ? 1 : 0;
    fill(tensor, [&] { return value; });
    return true;
  }
  if (name == "randomuniform") {
    double low = setting("minval", -0.05), high = setting("maxval", 0.05);
    fill(tensor, [&] { return low + (high - low) * generator.uniform(); });
    return true;
  }
  if (name == "randomnormal" || name == "truncatednormal") {
    double mean = setting("mean", 0), deviation = setting("stddev", 0.05);
    bool isTruncated = name == "truncatednormal";
    fill(tensor, [&] {
      return mean + deviation * (isTruncated ? generator.truncatedNormal() : generator.normal());
    });
    return true;
  }
  if (name == "orthogonal") {
    fillOrthogonal(tensor, generator, setting("gain", 1));
    return true;
  }
  // Variance scaling: scale / fan.
  struct {
    const char *prefix;
    double scale, fan;
  } scalings[] = {{"glorot", 1, (in + out) / 2}, {"he", 2, in}, {"lecun", 1, in}};
  for (auto &scaling : scalings) {
    double variance = scaling.scale / std::max(1.0, scaling.fan);
    if (name == std::string(scaling.prefix) + "uniform") {
      double limit = std::sqrt(3 * variance);
      fill(tensor, [&] { return limit * (2 * generator.uniform() - 1); });
      return true;
    }
    if (name == std::string(scaling.prefix) + "normal") {
      // The deviation of what is left of a normal distribution within ±2.
      double deviation = std::sqrt(variance) / 0.87962566103423978;
      fill(tensor, [&] { return deviation * generator.truncatedNormal(); });
      return true;
    }
  }
  return false;
}
