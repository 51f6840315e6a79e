//===- LayersMerge.cpp - layers of several inputs -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/description/Layer.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::description;
using nn::Term;

static bool expectSeveral(Layer &layer) {
  if (layer.inputs().size() >= 2)
    return true;
  layer.problem("needs two inputs or more");
  return false;
}

// As Keras broadcasts: what has fewer dims gets dims of 1 after the batch.
static SmallVector<Term> getAlikeInputs(Layer &layer) {
  int64_t rank = 0;
  for (Value each : layer.inputs())
    rank = std::max(rank, layer.term(each).getRank());
  SmallVector<Term> result;
  SmallVector<int64_t> common(rank, 1);
  bool fits = true;
  for (Value each : layer.inputs()) {
    Term x = layer.term(each);
    if (x.getRank() < rank)
      x = x.unsqueeze(nn::axesRange(1, 1 + rank - x.getRank()));
    for (auto [size, known] : llvm::zip(x.getType().getShape(), common)) {
      if (ShapedType::isDynamic(size) || size == 1)
        continue;
      fits = fits && (known == 1 || known == size);
      known = size;
    }
    result.push_back(x);
  }
  if (fits)
    return result;
  layer.problem("its inputs should have the same sizes, or 1, but are " +
                llvm::join(llvm::map_range(layer.inputs(), printType), " and "));
  return {};
}

/// The inputs, one after another.
template <typename OpTy>
static Value fold(Layer &layer) {
  if (!expectSeveral(layer))
    return {};
  SmallVector<Term> inputs = getAlikeInputs(layer);
  if (inputs.empty())
    return {};
  Term result = inputs.front();
  for (Term next : ArrayRef(inputs).drop_front())
    result = result.apply<OpTy>(next.get());
  return result;
}

static Value buildSubtract(Layer &layer) {
  if (layer.inputs().size() == 2)
    return fold<nn::SubOp>(layer);
  layer.problem("needs two inputs");
  return {};
}

static Value buildAverage(Layer &layer) {
  Value sum = fold<nn::AddOp>(layer);
  if (!sum)
    return {};
  return layer.term(sum) * (1.0 / static_cast<double>(layer.inputs().size()));
}

static Value buildConcatenate(Layer &layer) {
  if (!expectSeveral(layer))
    return {};
  int64_t rank = layer.input().getRank(), axis = -1;
  if (const llvm::json::Value *given = layer.setting("axis"))
    axis = given->getAsInteger().value_or(-1);
  if (axis < 0)
    axis += rank;
  bool fits = axis > 0 && axis < rank;
  for (Value each : layer.inputs()) {
    auto type = cast<RankedTensorType>(each.getType());
    fits = fits && type.getRank() == rank &&
           type.getElementType() == layer.input().getType().getElementType();
    for (int64_t d = 0; fits && d < rank; ++d)
      fits = d == axis || type.getDimSize(d) == layer.input().getType().getDimSize(d);
  }
  if (!fits) {
    layer.problem("its inputs can't be joined along 'axis'");
    return {};
  }
  return nn::ConcatOp::create(layer.builder(), layer.getLoc(), layer.inputs(), axis);
}

// Of each sample's two vectors: N C · N C → N 1
static Value buildDot(Layer &layer) {
  layer.refuse("normalize", false);
  bool fits = layer.inputs().size() == 2;
  for (Value each : layer.inputs())
    fits = fits && layer.term(each).getRank() == 2 &&
           layer.term(each).getType().getDimSize(1) == layer.inputSize(1);
  if (!fits) {
    layer.problem("needs two vectors of one size for each sample");
    return {};
  }
  // Keras counts the batch as axis 0.
  if (const llvm::json::Value *axes = layer.setting("axes");
      axes && *axes != llvm::json::Value(1) && *axes != llvm::json::Value(-1))
    layer.problem("'axes' should be 1 or -1");
  return (layer.input() * layer.term(layer.inputs()[1])).sum({1});
}

void sinter::description::addMergeLayers(LayerTable &table) {
  table["Add"] = {fold<nn::AddOp>, {}, AnyInputs};
  table["Multiply"] = {fold<nn::MulOp>, {}, AnyInputs};
  table["Maximum"] = {fold<nn::MaxOp>, {}, AnyInputs};
  table["Minimum"] = {fold<nn::MinOp>, {}, AnyInputs};
  table["Subtract"] = {buildSubtract, {}, 2};
  table["Average"] = {buildAverage, {}, AnyInputs};
  table["Dot"] = {buildDot, {"axes"}, 2};
  table["Concatenate"] = {buildConcatenate, {"axis"}, AnyInputs, /*takesIntegers=*/true};
}
