//===- Homes.cpp - which buffers a device works on ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/host/place-on-device/Homes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace sinter;

bool sinter::isOnDevice(kernel::CallOp call) {
  Operation *callee = SymbolTable::lookupNearestSymbolFrom(call, call.getCalleeAttr());
  return callee && callee->hasAttr("kernel.device");
}

static bool isMemRef(Value value) { return isa<BaseMemRefType>(value.getType()); }

Homes::Homes(func::FuncOp function) {
  function.walk([&](Operation *op) {
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (Value argument : block.getArguments())
          if (isMemRef(argument))
            classes.insert(argument.getAsOpaquePointer());
    for (Value result : op->getResults())
      if (isMemRef(result))
        classes.insert(result.getAsOpaquePointer());
  });
  function.walk([&](Operation *op) { collect(op); });
  function.walk([&](kernel::CallOp call) {
    if (isOnDevice(call))
      for (Value operand : call->getOperands())
        if (isMemRef(operand))
          device.insert(leader(operand));
  });
  // What is neither an argument nor allocated is a constant.
  for (Value argument : function.getArguments())
    if (isMemRef(argument))
      changing.insert(leader(argument));
  function.walk([&](memref::AllocOp op) { changing.insert(leader(op)); });
}

bool Homes::isDevice(Value memref) const {
  return isMemRef(memref) && device.contains(leader(memref)) && changing.contains(leader(memref));
}

bool Homes::mayShare(Value a, Value b) const { return leader(a) == leader(b); }

void Homes::collect(Operation *op) {
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    join(loop.getInitArgs(), loop.getRegionIterArgs());
    join(loop.getYieldedValues(), loop.getRegionIterArgs());
    join(loop.getResults(), loop.getRegionIterArgs());
  } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
    join(loop.getInits(), loop.getBeforeArguments());
    join(loop.getYieldOp().getResults(), loop.getBeforeArguments());
    join(loop.getConditionOp().getArgs(), loop.getAfterArguments());
    join(loop.getConditionOp().getArgs(), loop.getResults());
  } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
    for (Region *region : {&branch.getThenRegion(), &branch.getElseRegion()})
      if (!region->empty())
        join(region->front().getTerminator()->getOperands(), branch.getResults());
  } else if (!isa<kernel::CallOp, kernel::RuntimeCallOp>(op)) {
    // Views, casts, a choice between two.
    for (Value result : op->getResults())
      for (Value operand : op->getOperands())
        join(operand, result);
  }
}

void Homes::join(ValueRange a, ValueRange b) {
  for (auto [first, second] : llvm::zip(a, b))
    join(first, second);
}

void Homes::join(Value a, Value b) {
  if (isMemRef(a) && isMemRef(b))
    classes.unionSets(a.getAsOpaquePointer(), b.getAsOpaquePointer());
}

const void *Homes::leader(Value value) const {
  return classes.getLeaderValue(value.getAsOpaquePointer());
}
