//===- Control.cpp - If, Loop, Scan ---------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Regions take their types from what they hold: a body is imported, and if a
// carried value's dims change from one iteration to the next, imported again
// with those dims dynamic.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/onnx/Loop.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::onnx_import;
using Ints = Node::Ints;
using Values = Node::Values;

namespace {

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// A one-element tensor as a scalar.
Value toScalar(Node &node, Value value) {
  return typeOf(value).getRank() == 0 ? value : node.reshape(value, {});
}

/// The type of both, dims that differ dynamic; null if they don't fit.
RankedTensorType join(RankedTensorType lhs, RankedTensorType rhs) {
  if (lhs.getElementType() != rhs.getElementType() || lhs.getRank() != rhs.getRank())
    return {};
  Ints shape(lhs.getShape());
  for (auto [dim, other] : llvm::zip(shape, rhs.getShape()))
    if (dim != other)
      dim = ShapedType::kDynamic;
  return RankedTensorType::get(shape, lhs.getElementType());
}

std::string describe(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

//===----------------------------------------------------------------------===//
// If
//===----------------------------------------------------------------------===//

/// Branches often differ in giving one element as [] or as [1]: gives the
/// value the rank of `other`, if both have one element.
void raiseRank(Node &node, Value &value, RankedTensorType other, Region &region) {
  RankedTensorType type = typeOf(value);
  if (type.getRank() >= other.getRank() || !type.hasStaticShape() || !other.hasStaticShape() ||
      type.getNumElements() != 1 || other.getNumElements() != 1)
    return;
  OpBuilder::InsertionGuard guard(node.getBuilder());
  node.getBuilder().setInsertionPointToEnd(&region.front());
  value = node.reshape(value, other.getShape());
}

LogicalResult buildIf(Node &node) {
  OpBuilder &builder = node.getBuilder();
  Value condition = node.getInput(0);

  // A known condition leaves one branch, in place.
  if (auto known = node.getConstantInts(condition); known && known->size() == 1) {
    SmallVector<Value> results;
    if (failed(node.importSubgraph(known->front() ? "then_branch" : "else_branch", {}, results)))
      return failure();
    for (auto [index, value] : llvm::enumerate(results))
      if (index < node.getNumOutputs())
        node.setOutput(index, value);
    return node.status();
  }

  OperationState state(node.getLoc(), nn::IfOp::getOperationName());
  state.addOperands(condition);
  SmallVector<Value> yielded[2];
  for (int branch : {0, 1}) {
    OpBuilder::InsertionGuard guard(builder);
    Block *block = new Block();
    state.addRegion()->push_back(block);
    builder.setInsertionPointToStart(block);
    if (failed(node.importSubgraph(branch ? "else_branch" : "then_branch", {}, yielded[branch])))
      return failure();
  }
  if (yielded[0].size() != yielded[1].size())
    return node.emitError("the branches give " + Twine(yielded[0].size()) + " and " +
                          Twine(yielded[1].size()) + " results");
  for (size_t index = 0; index < yielded[0].size(); ++index)
    for (int branch : {0, 1})
      raiseRank(node, yielded[branch][index], typeOf(yielded[1 - branch][index]),
                *state.regions[branch]);
  for (int branch : {0, 1}) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(&state.regions[branch]->front());
    nn::YieldOp::create(builder, node.getLoc(), yielded[branch]);
  }
  for (auto [index, pair] : llvm::enumerate(llvm::zip(yielded[0], yielded[1]))) {
    auto [thenType, elseType] = std::pair(typeOf(std::get<0>(pair)), typeOf(std::get<1>(pair)));
    RankedTensorType type = join(thenType, elseType);
    if (!type)
      return node.emitUnsupported("a result (number " + Twine(index) + ") of type " +
                                  describe(thenType) + " in one branch and " + describe(elseType) +
                                  " in the other");
    state.addTypes(type);
  }
  Operation *op = builder.create(state);
  for (auto [index, value] : llvm::enumerate(op->getResults()))
    if (index < node.getNumOutputs())
      node.setOutput(index, value);
  return node.status();
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

using Body = LoopBody;
using BodyFunction = LoopBodyFunction;

/// Imports the body once into `region`, for carried values of `carriedTypes`.
/// Makes those types more general where the body gives other dims than it
/// takes, and says whether it had to.
LogicalResult importOnce(Node &node, Region &region, SmallVectorImpl<Type> &carriedTypes,
                         BodyFunction importBody, Body &body, bool &changed) {
  OpBuilder &builder = node.getBuilder();
  OpBuilder::InsertionGuard guard(builder);
  Location loc = node.getLoc();
  auto *block = new Block();
  region.push_back(block);
  block->addArgument(RankedTensorType::get({}, builder.getI64Type()), loc);
  block->addArgument(RankedTensorType::get({}, builder.getI1Type()), loc);
  for (Type type : carriedTypes)
    block->addArgument(type, loc);
  builder.setInsertionPointToStart(block);
  if (failed(importBody(block->getArgument(0), block->getArgument(1),
                        block->getArguments().drop_front(2), body)) ||
      node.failed())
    return failure();
  if (body.carried.size() != carriedTypes.size())
    return node.emitError("the body gives " + Twine(body.carried.size()) + " carried values for " +
                          Twine(carriedTypes.size()));
  changed = false;
  for (auto [index, value] : llvm::enumerate(body.carried)) {
    auto before = cast<RankedTensorType>(carriedTypes[index]);
    RankedTensorType type = join(before, typeOf(value));
    if (!type)
      return node.emitUnsupported("a carried value (number " + Twine(index) + ") of type " +
                                  describe(before) + " that becomes " + describe(value.getType()));
    changed |= type != before;
    carriedTypes[index] = type;
  }
  if (changed)
    return success();

  builder.setInsertionPointToEnd(block);
  SmallVector<Value> yielded = {body.condition ? toScalar(node, body.condition)
                                               : node.scalar(builder.getI1Type(), 1)};
  yielded.append(body.carried);
  yielded.append(body.scans);
  nn::YieldOp::create(builder, loc, yielded);
  return success();
}

/// True if `value` is known to hold.
bool isTrue(Node &node, Value value) {
  auto known = node.getConstantInts(value);
  return known && known->size() == 1 && known->front();
}

} // namespace

LogicalResult sinter::onnx_import::buildLoopOp(Node &node, Value tripCount, Value condition,
                                               ArrayRef<Value> inits, LoopBodyFunction importBody,
                                               SmallVectorImpl<Value> &results) {
  SmallVector<Type> carriedTypes;
  for (Value init : inits)
    carriedTypes.push_back(init.getType());
  std::unique_ptr<Region> region;
  Body body;
  // Each round but the last makes at least one dim dynamic.
  for (bool changed = true; changed;) {
    body = Body();
    region = std::make_unique<Region>();
    if (failed(importOnce(node, *region, carriedTypes, importBody, body, changed)))
      return failure();
  }

  // The number of iterations, if nothing can end the loop early.
  bool endless = !condition || isTrue(node, condition);
  if (body.condition && body.condition != region->getArgument(1))
    endless &= isTrue(node, body.condition);
  int64_t iterations = ShapedType::kDynamic;
  if (endless && tripCount)
    if (auto known = node.getConstantInts(tripCount); known && known->size() == 1)
      iterations = std::max<int64_t>(known->front(), 0);
  SmallVector<Type> types = carriedTypes;
  for (Value scan : body.scans) {
    Ints shape = {iterations};
    llvm::append_range(shape, typeOf(scan).getShape());
    types.push_back(RankedTensorType::get(shape, typeOf(scan).getElementType()));
  }
  auto op =
      nn::LoopOp::create(node.getBuilder(), node.getLoc(), types, tripCount, condition, inits);
  op.getBody().takeBody(*region);
  results.assign(op->result_begin(), op->result_end());
  return success();
}

namespace {

LogicalResult buildLoop(Node &node) {
  Node::Subgraph graph = node.requireSubgraph("body");
  if (node.failed())
    return failure();
  Values inits(node.getInputs().drop_front(std::min<size_t>(2, node.getInputs().size())));
  if (graph.numInputs != inits.size() + 2 || graph.numOutputs < inits.size() + 1)
    return node.emitError("the body has " + Twine(graph.numInputs) + " inputs and " +
                          Twine(graph.numOutputs) + " outputs, which doesn't fit " +
                          Twine(inits.size()) + " carried values");
  if (llvm::is_contained(inits, Value()))
    return node.emitError("a carried value has no initial value");
  Value tripCount, condition;
  if (node.hasInput(0))
    tripCount = toScalar(node, node.getInput(0));
  if (node.hasInput(1))
    condition = toScalar(node, node.getInput(1));

  // Exporters declare iteration number and condition as [] or [1].
  auto asDeclared = [&](Value value, unsigned input) {
    RankedTensorType declared = graph.inputTypes[input];
    return declared && declared.getRank() == 1 ? node.unsqueeze(value, {0}) : value;
  };
  auto importBody = [&](Value iteration, Value goesOn, ValueRange carried,
                        Body &body) -> LogicalResult {
    SmallVector<Value> arguments = {asDeclared(iteration, 0), asDeclared(goesOn, 1)};
    llvm::append_range(arguments, carried);
    SmallVector<Value> results;
    if (failed(node.importSubgraph("body", arguments, results)))
      return failure();
    body.condition = results[0];
    ArrayRef<Value> rest = ArrayRef(results).drop_front();
    body.carried.assign(rest.begin(), rest.begin() + carried.size());
    body.scans.assign(rest.begin() + carried.size(), rest.end());
    return success();
  };
  SmallVector<Value> results;
  if (failed(buildLoopOp(node, tripCount, condition, inits, importBody, results)))
    return failure();
  for (auto [index, value] : llvm::enumerate(results))
    if (index < node.getNumOutputs())
      node.setOutput(index, value);
  return node.status();
}

//===----------------------------------------------------------------------===//
// Scan
//===----------------------------------------------------------------------===//

/// Reverses the order along dim 0.
Value reverse(Node &node, Value value) {
  return node.create<nn::SliceOp>(value, node.indices({-1}),
                                  node.indices({std::numeric_limits<int64_t>::min() + 1}),
                                  node.indices({-1}), ArrayRef<int64_t>{0});
}

/// Moves dim 0 to `axis`.
Value moveFirstDim(Node &node, Value value, int64_t axis) {
  Ints permutation;
  for (int64_t i = 1, e = typeOf(value).getRank(); i < e; ++i)
    permutation.push_back(i);
  permutation.insert(permutation.begin() + axis, 0);
  return axis == 0 ? value : node.transpose(value, permutation);
}

/// One scan over `sequences` along `axes`; `reversed` by sequence. The results
/// are [states…, scan outputs stacked along dim 0…].
LogicalResult scan(Node &node, Value length, ArrayRef<Value> states, ArrayRef<Value> sequences,
                   ArrayRef<int64_t> axes, ArrayRef<int64_t> reversed,
                   SmallVectorImpl<Value> &results) {
  auto importBody = [&](Value iteration, Value, ValueRange carried, Body &body) -> LogicalResult {
    SmallVector<Value> arguments(carried.begin(), carried.end());
    for (auto [index, sequence] : llvm::enumerate(sequences)) {
      Value at = iteration;
      if (reversed[index])
        at = node.sub(node.sub(length, node.scalarLike(length, 1)), at);
      arguments.push_back(node.create<nn::GatherOp>(sequence, at, axes[index]));
    }
    SmallVector<Value> given;
    if (failed(node.importSubgraph("body", arguments, given)))
      return failure();
    if (given.size() < carried.size())
      return node.emitError("the body gives " + Twine(given.size()) + " results for " +
                            Twine(carried.size()) + " states");
    body.carried.assign(given.begin(), given.begin() + carried.size());
    body.scans.assign(given.begin() + carried.size(), given.end());
    return success();
  };
  return buildLoopOp(node, length, Value(), states, importBody, results);
}

/// A list attribute with one element per sequence.
Ints getPerSequence(Node &node, StringRef name, size_t count) {
  Ints values = node.getInts(name, Ints(count, 0));
  if (values.size() != count) {
    (void)node.emitError("attribute '" + name + "' has " + Twine(values.size()) +
                         " elements; expected " + Twine(count));
    values.assign(count, 0);
  }
  return values;
}

/// Splits the inputs from `first` on into states and sequences.
bool splitInputs(Node &node, size_t first, Values &states, Values &sequences) {
  int64_t count = node.requireInt("num_scan_inputs");
  ArrayRef<Value> all = node.getInputs().drop_front(first);
  if (node.failed())
    return false;
  if (count < 1 || count > static_cast<int64_t>(all.size())) {
    (void)node.emitError("attribute 'num_scan_inputs' is " + Twine(count) + " with " +
                         Twine(all.size()) + " inputs");
    return false;
  }
  if (llvm::is_contained(all, Value())) {
    (void)node.emitError("an input is absent");
    return false;
  }
  states.assign(all.begin(), all.end() - count);
  sequences.assign(all.end() - count, all.end());
  return true;
}

LogicalResult buildScan(Node &node) {
  Values states, sequences;
  Node::Subgraph graph = node.requireSubgraph("body");
  if (node.failed() || !splitInputs(node, 0, states, sequences))
    return failure();
  if (graph.numOutputs < states.size())
    return node.emitError("the body has fewer outputs than states");
  size_t scans = graph.numOutputs - states.size();
  Ints axes = getPerSequence(node, "scan_input_axes", sequences.size());
  Ints reversed = getPerSequence(node, "scan_input_directions", sequences.size());
  Ints outputAxes = getPerSequence(node, "scan_output_axes", scans);
  Ints outputReversed = getPerSequence(node, "scan_output_directions", scans);
  for (auto [axis, sequence] : llvm::zip(axes, sequences))
    axis = node.normalizeAxis(axis, typeOf(sequence).getRank());
  if (node.failed())
    return failure();

  Value length = toScalar(node, node.dimOf(sequences[0], axes[0]));
  SmallVector<Value> results;
  if (failed(scan(node, length, states, sequences, axes, reversed, results)))
    return failure();
  for (auto [index, result] : llvm::enumerate(results)) {
    if (index >= node.getNumOutputs())
      break;
    if (index >= states.size()) {
      size_t output = index - states.size();
      if (outputReversed[output])
        result = reverse(node, result);
      result = moveFirstDim(node, result,
                            node.normalizeAxis(outputAxes[output], typeOf(result).getRank()));
    }
    node.setOutput(index, result);
  }
  return node.status();
}

/// Version 8: every input has a batch dim first and the sequence dim second;
/// input 0 holds the batch elements' lengths, if they differ. A loop over the
/// batch around the scan of one element.
LogicalResult buildScan8(Node &node) {
  Values states, sequences;
  Node::Subgraph graph = node.requireSubgraph("body");
  if (node.failed() || !splitInputs(node, 1, states, sequences))
    return failure();
  Ints reversed = getPerSequence(node, "directions", sequences.size());
  if (node.failed())
    return failure();
  for (Value sequence : sequences)
    if (typeOf(sequence).getRank() < 2)
      return node.emitError("a scan input has no batch and sequence dims");
  Value batch = toScalar(node, node.dimOf(sequences[0], 0));
  Value longest = toScalar(node, node.dimOf(sequences[0], 1));
  Value lengths = node.getInput(0);
  Ints axes(sequences.size(), 0);

  auto importBody = [&](Value element, Value, ValueRange, Body &body) -> LogicalResult {
    auto select = [&](Value value) { return node.create<nn::GatherOp>(value, element, 0); };
    Values ownStates, ownSequences;
    for (Value state : states)
      ownStates.push_back(select(state));
    for (Value sequence : sequences)
      ownSequences.push_back(select(sequence));
    Value length = longest;
    if (lengths)
      length = node.cast(select(lengths), getElementTypeOrSelf(longest.getType()));
    SmallVector<Value> results;
    if (failed(scan(node, length, ownStates, ownSequences, axes, reversed, results)))
      return failure();
    for (auto [index, result] : llvm::enumerate(results)) {
      if (lengths && index >= states.size()) { // zeros up to the longest
        int64_t rank = typeOf(result).getRank();
        Value missing = node.reshape(node.sub(longest, length), {1});
        Value pads = node.concat({node.indices(Ints(rank, 0)), missing}, 0);
        if (rank > 1)
          pads = node.concat({pads, node.indices(Ints(rank - 1, 0))}, 0);
        result =
            node.create<nn::PadOp>(result, pads, node.scalarLike(result, 0), nn::PadMode::constant);
      }
      body.scans.push_back(result);
    }
    return success();
  };
  SmallVector<Value> results;
  if (failed(buildLoopOp(node, batch, Value(), {}, importBody, results)))
    return failure();
  for (auto [index, result] : llvm::enumerate(results))
    if (index < node.getNumOutputs())
      node.setOutput(index, result);
  return node.status();
}

} // namespace

void sinter::onnx_import::registerControlOperators(OperatorTable &table) {
  table.add("If", 1, buildIf, 1, Inputs::variadic);
  table.add("Loop", 1, buildLoop, {0, Inputs::variadic}, Inputs::variadic);
  table.add("Scan", 8, buildScan8, {0, Inputs::variadic}, Inputs::variadic);
  table.add("Scan", 9, buildScan, {1, Inputs::variadic}, Inputs::variadic);
}
