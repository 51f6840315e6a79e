//===- LayersMerge.cpp - layers of several inputs -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/description/Layer.h"

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

/// The inputs, one after another; broadcasting as Keras does.
template <typename OpTy>
static Value fold(Layer &layer) {
  if (!expectSeveral(layer))
    return {};
  Term result = layer.input();
  for (Value next : layer.inputs().drop_front())
    result = result.apply<OpTy>(next);
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
    fits = fits && type.getRank() == rank;
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
    fits = fits && cast<RankedTensorType>(each.getType()).getRank() == 2;
  if (!fits) {
    layer.problem("needs two vectors for each sample");
    return {};
  }
  // Keras counts the batch as axis 0.
  if (const llvm::json::Value *axes = layer.setting("axes");
      axes && *axes != llvm::json::Value(1) && *axes != llvm::json::Value(-1))
    layer.problem("'axes' should be 1 or -1");
  return (layer.input() * layer.term(layer.inputs()[1])).sum({1});
}

void sinter::description::addMergeLayers(LayerTable &table) {
  table["Add"] = {fold<nn::AddOp>};
  table["Multiply"] = {fold<nn::MulOp>};
  table["Maximum"] = {fold<nn::MaxOp>};
  table["Minimum"] = {fold<nn::MinOp>};
  table["Subtract"] = {buildSubtract};
  table["Average"] = {buildAverage};
  table["Dot"] = {buildDot, {"axes"}};
  table["Concatenate"] = {buildConcatenate, {"axis"}};
}
