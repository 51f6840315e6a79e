//===- RowsTransposed.cpp - kernels that jump through memory --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/kernels/kernel-tile/Rows.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::tile;
using kernel::loopName;
using kernel::TailStrategy;

/// Whether a stage jumps through the memory of an input along a loop of the output.
static bool jumpsAlong(Stage &stage, int outputLoop) {
  for (auto [loop, with] : llvm::zip(stage.resultLoops, stage.outputLoops)) {
    if (with != outputLoop || loop < 0)
      continue;
    for (OpOperand *operand : stage.op.getDpsInputOperands()) {
      ArrayRef<AffineExpr> results = stage.op.getMatchingIndexingMap(operand).getResults();
      for (auto [i, result] : llvm::enumerate(results))
        if (result.isFunctionOfDim(loop) && (i + 1 < results.size() || !isa<AffineDimExpr>(result)))
          return true;
    }
  }
  return false;
}

/// The output's loops but two, then `last`: what runs in parallel.
static SmallVector<Loop> loopsAround(const Stage &output, int first, int second, Loop last) {
  SmallVector<Loop> loops;
  for (int loop : output.resultLoops)
    if (loop >= 0 && loop != first && loop != second)
      loops.push_back({loopName(loop), output.extents[loop], output.expected[loop]});
  loops.push_back(last);
  return loops;
}

bool tile::scheduleInterleave(Model &model, double work) {
  constexpr int64_t most = 8;
  Stage &output = *model.output();
  int vector = vectorLoop(output), next = -1;
  for (int loop : llvm::reverse(output.resultLoops))
    if (next < 0 && loop >= 0 && loop != vector && output.extents[loop] != 1)
      next = loop;
  if (vector < 0 || next < 0 || !output.isStatic(vector) || output.extents[vector] > most ||
      (output.isStatic(next) && output.extents[next] < 4))
    return false;
  bool jumps = false;
  for (auto &stage : model.stages) {
    if (stage->readAnywhere || jumpsAlong(*stage, next))
      return false;
    jumps |= jumpsAlong(*stage, vector);
  }
  if (!jumps)
    return false;
  std::string v = loopName(vector), n = loopName(next);
  int64_t factor = model.lanes(output), tiles = ShapedType::kDynamic;
  if (output.isStatic(next)) {
    factor = std::min(factor, int64_t(llvm::bit_floor(uint64_t(output.extents[next]))));
    tiles = llvm::divideCeil(output.extents[next], factor);
  } else {
    model.specialize(output, n, {factor});
  }
  model.split(output, false, n, factor, n + "_o", n + "_v", TailStrategy::ShiftInwards);
  model.reorder(output, false, {v, n + "_v", n + "_o"});
  model.unroll(output, false, v);
  model.vectorize(output, false, n + "_v");
  parallelizeLoops(model, output, loopsAround(output, vector, next, {n + "_o", tiles, tiles}),
                   work);
  return true;
}

bool tile::scheduleTransposed(Model &model, double work) {
  Stage &output = *model.output();
  int vector = vectorLoop(output), dense = -1;
  SmallVector<Stage *> copies;
  for (auto &stage : llvm::reverse(model.stages)) {
    if (stage->isOutput || stage->bodyCost() != 0 || stage->readAnywhere ||
        stage->consumers.size() != 1 || llvm::is_contained(copies, stage->consumers.front()))
      continue;
    int last = stage->outputLoops.empty() ? -1 : stage->outputLoops.back();
    if (last < 0 || last == vector || !llvm::is_contained(stage->outputLoops, vector))
      continue;
    if (dense >= 0 && last != dense)
      return false;
    dense = last;
    copies.push_back(stage.get());
  }
  if (copies.empty() || vector < 0 || !output.isStatic(vector) || !output.isStatic(dense))
    return false;
  int64_t lanes = model.lanes(output);
  auto factorOf = [&](int loop) {
    return std::min(lanes, int64_t(llvm::bit_floor(uint64_t(output.extents[loop]))));
  };
  std::string v = loopName(vector), d = loopName(dense);
  for (auto &[name, loop] : {std::pair(v, vector), std::pair(d, dense)})
    model.split(output, false, name, factorOf(loop), name + "_o", name + "_v",
                TailStrategy::ShiftInwards);
  int64_t lines = llvm::divideCeil(output.extents[dense], factorOf(dense));
  SmallVector<Loop> around = loopsAround(output, vector, dense, {d + "_o", lines, lines});
  SmallVector<std::string> order = {v + "_v", d + "_v", v + "_o"};
  for (const Loop &loop : llvm::reverse(around))
    order.push_back(loop.name);
  model.reorder(output, false, order);
  model.vectorize(output, false, v + "_v");
  parallelizeLoops(model, output, around, work);
  for (Stage *copy : copies) {
    model.computeAt(copy->handle, output, false, v + "_o");
    std::string line = loopName(copy->resultLoops.back());
    model.split(*copy, false, line, factorOf(dense), line + "_o", line + "_v",
                TailStrategy::RoundUp);
    model.vectorize(*copy, false, line + "_v");
  }
  return true;
}
