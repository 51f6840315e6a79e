//===- Initializer.cpp - first values of parameters -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/description/Initializer.h"
#include "llvm/ADT/StringExtras.h"
#include <cmath>

using namespace sinter;
using namespace sinter::description;
using llvm::StringRef;

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

std::optional<SinterInitializer>
sinter::description::getInitializer(const llvm::json::Value &initializer,
                                    llvm::ArrayRef<int64_t> shape, uint64_t stream) {
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
  auto make = [&](SinterInitialization kind, double a, double b = 0) {
    return SinterInitializer{kind, a, b, stream, nullptr};
  };
  std::string name = plainName(given);
  if (name == "zeros" || name == "ones")
    return make(SINTER_INIT_CONSTANT, name == "ones");
  if (name == "constant")
    return make(SINTER_INIT_CONSTANT, setting("value", 0));
  if (name == "randomuniform")
    return make(SINTER_INIT_UNIFORM, setting("minval", -0.05), setting("maxval", 0.05));
  if (name == "randomnormal" || name == "truncatednormal")
    return make(name == "randomnormal" ? SINTER_INIT_NORMAL : SINTER_INIT_TRUNCATED_NORMAL,
                setting("mean", 0), setting("stddev", 0.05));
  if (name == "orthogonal")
    return make(SINTER_INIT_ORTHOGONAL, setting("gain", 1));
  // Variance scaling: scale / fan.
  auto [in, out] = getFans(shape);
  struct {
    const char *prefix;
    double scale, fan;
  } scalings[] = {{"glorot", 1, (in + out) / 2}, {"he", 2, in}, {"lecun", 1, in}};
  for (auto &scaling : scalings) {
    double variance = scaling.scale / std::max(1.0, scaling.fan);
    if (name == std::string(scaling.prefix) + "uniform") {
      double limit = std::sqrt(3 * variance);
      return make(SINTER_INIT_UNIFORM, -limit, limit);
    }
    // What is left of a normal distribution within ±2 deviates less.
    if (name == std::string(scaling.prefix) + "normal")
      return make(SINTER_INIT_TRUNCATED_NORMAL, 0, std::sqrt(variance) / 0.87962566103423978);
  }
  return std::nullopt;
}

mlir::DictionaryAttr sinter::description::describe(const SinterInitializer &initializer,
                                                   mlir::Builder &builder) {
  static const char *const kinds[] = {"constant", "uniform", "normal", "truncated_normal",
                                      "orthogonal"};
  return builder.getDictionaryAttr(
      {builder.getNamedAttr("kind", builder.getStringAttr(kinds[initializer.kind])),
       builder.getNamedAttr("a", builder.getF64FloatAttr(initializer.a)),
       builder.getNamedAttr("b", builder.getF64FloatAttr(initializer.b)),
       builder.getNamedAttr("stream",
                            builder.getI64IntegerAttr(static_cast<int64_t>(initializer.stream)))});
}
