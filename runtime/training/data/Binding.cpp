//===- Binding.cpp - which column feeds which input -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/data/Binding.h"
#include "runtime/training/Error.h"
#include <algorithm>
#include <cmath>

using namespace sinter::training;

static std::string describe(const Column &column) {
  return "'" + column.name + "' " + describeShape(column.shape);
}
static std::string describe(const Slot &slot) {
  return "'" + slot.name + "' " + describeShape(slot.shape);
}

// Whether a slot's dims, of which -1 may be any, are these.
static bool fits(const std::vector<int64_t> &slot, const std::vector<int64_t> &shape) {
  return slot.size() == shape.size() &&
         std::equal(slot.begin(), slot.end(), shape.begin(),
                    [](int64_t wanted, int64_t size) { return wanted < 0 || wanted == size; });
}

static Bound bindColumn(const Source &source, size_t index, const Slot &slot) {
  const Column &column = source.getColumns()[index];
  Bound bound;
  bound.column = index;
  bound.slot = slot;
  std::vector<int64_t> channelsFirst = column.shape;
  if (column.isImage)
    std::rotate(channelsFirst.begin(), channelsFirst.end() - 1, channelsFirst.end());
  bool isStatic =
      std::none_of(slot.shape.begin(), slot.shape.end(), [](int64_t d) { return d < 0; });
  if (fits(slot.shape, column.shape)) {
    bound.slot.shape = column.shape;
  } else if (column.isImage && fits(slot.shape, channelsFirst)) {
    bound.slot.shape = channelsFirst;
    bound.channelsFirst = true;
  } else if (column.isTarget && column.isInteger && column.shape.empty() &&
             slot.shape.size() == 1 && slot.shape[0] > 1 && !isInteger(slot.type)) {
    bound.oneHot = true;
    bound.slot.classes = slot.shape[0];
  } else if (!isStatic || countElements(slot.shape) != countElements(column.shape)) {
    // The same number of elements is taken as it lies: [28,28,1] for [784].
    throw Error("the data's " + describe(column) + " does not fit the model's " + describe(slot) +
                "; give other data, or a model of that shape");
  }
  return bound;
}

static void checkClasses(const Column &column, const Bound &bound) {
  int64_t has = column.classes, takes = bound.slot.classes;
  if (has && takes && has > takes)
    throw Error("the data's '" + column.name + "' has " + std::to_string(has) +
                " classes, and the model " + std::to_string(takes) + "; give the model at least " +
                std::to_string(has));
}

Binding sinter::training::bind(const Source &source, const Feeds &feeds, bool autoencode) {
  const std::vector<Column> &columns = source.getColumns();
  std::vector<size_t> inputs;
  size_t target = columns.size();
  std::string names, wanted;
  for (size_t c = 0; c < columns.size(); ++c) {
    if (columns[c].isTarget) {
      target = c;
      continue;
    }
    inputs.push_back(c);
    names += (names.empty() ? "" : ", ") + describe(columns[c]);
  }
  for (const Slot &slot : feeds.inputs)
    wanted += (wanted.empty() ? "" : ", ") + describe(slot);
  if (autoencode && inputs.size() == 1)
    target = inputs.front();
  if (autoencode && (inputs.size() != 1 || feeds.inputs.size() != 1))
    throw UsageError("--autoencode is for data and models of one input; the data has " + names +
                     ", and the model takes " + wanted);
  if (target == columns.size())
    throw Error("the data has " + names +
                " and no target; name it with ?target=NAME, or give --autoencode to a model that "
                "is to give its input back");
  if (inputs.size() != feeds.inputs.size())
    throw Error("the data has " + names + ", and the model takes " + wanted +
                "; each input needs a column");
  Binding binding;
  bool byName = std::all_of(feeds.inputs.begin(), feeds.inputs.end(), [&](const Slot &slot) {
    return std::any_of(inputs.begin(), inputs.end(),
                       [&](size_t c) { return columns[c].name == slot.name; });
  });
  for (size_t i = 0; i < feeds.inputs.size(); ++i) {
    const Slot &slot = feeds.inputs[i];
    size_t column = inputs[i];
    if (byName)
      column = *std::find_if(inputs.begin(), inputs.end(),
                             [&](size_t c) { return columns[c].name == slot.name; });
    binding.inputs.push_back(bindColumn(source, column, slot));
    checkClasses(columns[column], binding.inputs.back());
  }
  binding.target = bindColumn(source, target, feeds.target);
  checkClasses(columns[target], binding.target);
  return binding;
}

static int64_t checkClass(int64_t value, const Column &column, int64_t classes,
                          const std::string &where) {
  if (classes && (value < 0 || value >= classes))
    throw Error(where + ": " + (column.isTarget ? "label " : "token ") + std::to_string(value) +
                " of '" + column.name + "' is not between 0 and " + std::to_string(classes - 1) +
                "; repair the sample, or give the model more classes");
  return value;
}

static double checkNumber(double value, const Column &column, const std::string &where) {
  if (!std::isfinite(value))
    throw Error(where + ": '" + column.name + "' has " + (std::isnan(value) ? "NaN" : "infinity") +
                "; repair the sample or take it out");
  return value;
}

template <typename T>
static void write(const Value &value, const Column &column, const Bound &bound, T *to,
                  const std::string &where) {
  constexpr bool toInteger = std::is_integral_v<T>;
  int64_t classes = bound.slot.classes;
  if (bound.oneHot) {
    std::fill(to, to + classes, T(0));
    to[checkClass(value.integers[0], column, classes, where)] = T(1);
    return;
  }
  if (column.isInteger) {
    for (int64_t each : value.integers)
      *to++ = static_cast<T>(toInteger ? checkClass(each, column, classes, where) : each);
    return;
  }
  size_t count = value.reals.size(), channels = bound.channelsFirst ? column.shape.back() : 1;
  size_t pixels = count / channels;
  for (size_t i = 0; i < count; ++i) {
    double number = checkNumber(value.reals[i], column, where);
    if (toInteger && number != std::floor(number))
      throw Error(where + ": '" + column.name + "' is " + std::to_string(number) +
                  ", and the model takes whole numbers there; round it, or train with a loss for "
                  "real numbers (--loss mean_squared_error)");
    if (toInteger)
      checkClass(static_cast<int64_t>(number), column, classes, where);
    to[channels == 1 ? i : i % channels * pixels + i / channels] = static_cast<T>(number);
  }
}

void sinter::training::convert(const Value &value, const Column &column, const Bound &bound,
                               char *to, const std::string &where) {
  switch (bound.slot.type) {
  case ElementType::F32:
    return write(value, column, bound, reinterpret_cast<float *>(to), where);
  case ElementType::F64:
    return write(value, column, bound, reinterpret_cast<double *>(to), where);
  case ElementType::I32:
    return write(value, column, bound, reinterpret_cast<int32_t *>(to), where);
  case ElementType::I64:
    return write(value, column, bound, reinterpret_cast<int64_t *>(to), where);
  }
}
