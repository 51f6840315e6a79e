//===- Interpret.h - runs a block of nn ops with the evaluator --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_TEST_UNIT_NN_INTERPRET_H
#define SINTER_TEST_UNIT_NN_INTERPRET_H

#include "Testing.h"

namespace sinter::nn {

using Values = mlir::DenseMap<mlir::Value, HostTensor>;

inline mlir::LogicalResult runBlock(mlir::Block &block, Values &values,
                                    llvm::SmallVectorImpl<HostTensor> &yielded);

inline mlir::LogicalResult runLoop(LoopOp loop, Values &values,
                                   llvm::SmallVectorImpl<HostTensor> &results) {
  int64_t trips = loop.getTripCount() ? values[loop.getTripCount()].getInt(0)
                                      : std::numeric_limits<int64_t>::max();
  HostTensor condition =
      loop.getCondition() ? values[loop.getCondition()] : makeTensor("i1", {}, {1});
  llvm::SmallVector<HostTensor> carried;
  for (mlir::Value init : loop.getInits())
    carried.push_back(values[init]);
  mlir::Block &body = loop.getBody().front();
  size_t scanCount = loop.getNumResults() - carried.size();
  llvm::SmallVector<llvm::SmallVector<HostTensor>> scans(scanCount);
  for (int64_t i = 0; i < trips && condition.getInt(0); ++i) {
    values[body.getArgument(0)] = i64({}, {static_cast<double>(i)});
    values[body.getArgument(1)] = condition;
    for (auto [argument, value] : llvm::zip(body.getArguments().drop_front(2), carried))
      values[argument] = value;
    llvm::SmallVector<HostTensor> yielded;
    if (mlir::failed(runBlock(body, values, yielded)))
      return mlir::failure();
    condition = yielded[0];
    for (size_t j = 0; j < carried.size(); ++j)
      carried[j] = yielded[1 + j];
    for (size_t j = 0; j < scanCount; ++j)
      scans[j].push_back(yielded[1 + carried.size() + j]);
  }
  results.assign(carried.begin(), carried.end());
  for (auto [j, parts] : llvm::enumerate(scans)) {
    auto type = llvm::cast<mlir::RankedTensorType>(loop.getResult(carried.size() + j).getType());
    Dims shape;
    if (parts.empty())
      for (int64_t dim : type.getShape().drop_front())
        shape.push_back(mlir::ShapedType::isDynamic(dim) ? 0 : dim);
    else
      shape = Dims(parts[0].getShape());
    shape.insert(shape.begin(), parts.size());
    HostTensor stacked(type.getElementType(), shape);
    char *to = stacked.mutableBytes();
    for (const HostTensor &part : parts) {
      int64_t bytes = part.getNumElements() * part.getElementBytes();
      memcpy(to, part.bytes(), bytes);
      to += bytes;
    }
    results.push_back(stacked);
  }
  return mlir::success();
}

inline mlir::LogicalResult runBlock(mlir::Block &block, Values &values,
                                    llvm::SmallVectorImpl<HostTensor> &yielded) {
  for (mlir::Operation &op : block) {
    llvm::SmallVector<HostTensor> operands, results;
    for (mlir::Value operand : op.getOperands())
      operands.push_back(values[operand]);
    if (op.hasTrait<mlir::OpTrait::IsTerminator>()) {
      yielded = operands;
      return mlir::success();
    }
    mlir::LogicalResult result = mlir::success();
    if (auto branch = llvm::dyn_cast<IfOp>(op)) {
      mlir::Region &region =
          operands[0].getInt(0) ? branch.getThenRegion() : branch.getElseRegion();
      result = runBlock(region.front(), values, results);
    } else if (auto loop = llvm::dyn_cast<LoopOp>(op)) {
      result = runLoop(loop, values, results);
    } else {
      result = evaluateOp(&op, operands, results);
    }
    if (mlir::failed(result))
      return op.emitError("can't be evaluated");
    for (auto [value, tensor] : llvm::zip(op.getResults(), results)) {
      // What inference promised must hold.
      auto type = llvm::cast<mlir::RankedTensorType>(value.getType());
      if (type.getRank() != tensor.getRank() ||
          mlir::failed(mlir::verifyCompatibleShape(type.getShape(), tensor.getShape())))
        return op.emitError("result has shape ") << typeOf(tensor);
      values[value] = tensor;
    }
  }
  return mlir::failure();
}

} // namespace sinter::nn

#endif // SINTER_TEST_UNIT_NN_INTERPRET_H
