//===- NNToKernel.cpp - the pass, and one kernel from one region ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/kernels/nn-to-kernel/NNToKernel.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/RegionUtils.h"
#include "passes/kernels/nn-to-kernel/ExpandGroups.h"
#include "passes/kernels/nn-to-kernel/HostBuilder.h"

using namespace mlir;
using namespace sinter;

namespace sinter {
#define GEN_PASS_DEF_NNTOKERNEL
#include "passes/kernels/nn-to-kernel/NNToKernel.h.inc"
} // namespace sinter

// A constant that is part of the kernel's algorithm rather than data: one value
// all over, or the small integers and floats that steer a movement op.
static bool belongsInKernel(Value value, Operation *root) {
  auto elements = nn::getConstant(value);
  if (!elements)
    return false;
  // Weights stay data even if they are all the same.
  auto mapsElements = [&](Operation *user) {
    return isa<nn::ScalarOpInterface>(user) || (user != root && !root->isProperAncestor(user));
  };
  if (elements.isSplat() && isa<DenseElementsAttr>(elements) &&
      (elements.getNumElements() == 1 || llvm::all_of(value.getUsers(), mapsElements)))
    return true;
  if (elements.getNumElements() > nn::ShapeContext::maxContents ||
      cast<ShapedType>(value.getType()).getRank() > 1)
    return false;
  return llvm::all_of(value.getUses(), [&](OpOperand &use) {
    Operation *user = use.getOwner();
    if (user != root && !root->isProperAncestor(user))
      return true;
    auto fusible = dyn_cast<nn::FusibleOpInterface>(user);
    return fusible && fusible.isSteering(use.getOperandNumber());
  });
}

// "conv_relu" from the ops of a region: names kernels for people.
static std::string describe(Operation *op) {
  SmallVector<StringRef> names;
  auto add = [&](Operation *inner) {
    if (isa<nn::ConstantOp, nn::YieldOp, nn::FusedOp>(inner))
      return;
    StringRef name = inner->getName().stripDialect();
    if (names.empty() || names.back() != name)
      names.push_back(name);
  };
  op->walk<WalkOrder::PreOrder>(add);
  if (names.size() > 4) {
    names.resize(4);
    names.push_back("etc");
  }
  return llvm::join(names, "_");
}

FlatSymbolRefAttr HostBuilder::outline(Operation *op, SmallVectorImpl<Value> &captured,
                                       CollapsedDims &collapsed) {
  llvm::SetVector<Value> used;
  if (op->getNumRegions() == 0)
    used.insert(op->operand_begin(), op->operand_end());
  else
    getUsedValuesDefinedAbove(op->getRegion(0), used);
  SmallVector<Value> constants;
  for (Value value : used)
    (belongsInKernel(value, op) ? constants : captured).push_back(value);

  // The body: nn ops on nn types first.
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(module.getBody());
  auto types = [](ArrayRef<Value> values) {
    SmallVector<Type> result;
    for (Value value : values)
      result.push_back(value.getType());
    return result;
  };
  auto function =
      kernel::FuncOp::create(builder, op->getLoc(), "kernel",
                             builder.getFunctionType(types(captured), op->getResultTypes()));
  Region &body = function.getBody();
  if (body.empty())
    body.emplaceBlock();
  Block &block = body.front();
  while (block.getNumArguments() < captured.size())
    block.addArgument(captured[block.getNumArguments()].getType(), op->getLoc());
  block.clear();
  IRMapping inner;
  inner.map(ArrayRef<Value>(captured), block.getArguments());
  builder.setInsertionPointToStart(&block);
  for (Value constant : constants)
    builder.clone(*constant.getDefiningOp(), inner);
  SmallVector<Value> yielded;
  if (op->getNumRegions() == 0) {
    llvm::append_range(yielded, builder.clone(*op, inner)->getResults());
  } else {
    Block &source = op->getRegion(0).front();
    for (Operation &each : source.without_terminator())
      builder.clone(each, inner);
    for (Value value : source.getTerminator()->getOperands())
      yielded.push_back(inner.lookupOrDefault(value));
  }
  kernel::YieldOp::create(builder, op->getLoc(), yielded);

  if (failed(lowerToLinalg(body))) {
    function.erase();
    return {};
  }
  function.setFunctionType(
      builder.getFunctionType(block.getArgumentTypes(), block.getTerminator()->getOperandTypes()));
  expandGroups(function);
  collapsed = collapseDims(function);
  setExpectedSizes(function, captured, collapsed);

  return share(function, describe(op));
}

void HostBuilder::setExpectedSizes(kernel::FuncOp function, ArrayRef<Value> captured,
                                   const CollapsedDims &collapsed) {
  SmallVector<Attribute> attributes;
  bool any = false;
  for (auto [value, type, groups] :
       llvm::zip(captured, function.getArgumentTypes(), collapsed.arguments)) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || tensor.hasStaticShape()) {
      attributes.push_back(builder.getDictionaryAttr({}));
      continue;
    }
    SmallVector<int64_t> sizes(tensor.getRank(), 1);
    for (auto [group, dim] : llvm::zip(groups, analysis.shape(value)))
      if (group >= 0)
        sizes[group] *= std::max<int64_t>(analysis.expect(dim), 1);
    attributes.push_back(builder.getDictionaryAttr(
        builder.getNamedAttr("kernel.expected", builder.getDenseI64ArrayAttr(sizes))));
    any = true;
  }
  if (any)
    function.setArgAttrsAttr(builder.getArrayAttr(attributes));
}

FlatSymbolRefAttr HostBuilder::share(kernel::FuncOp function, StringRef description) {
  // Equal kernels print alike under one name.
  std::string text;
  llvm::raw_string_ostream stream(text);
  function.setSymName("kernel");
  function->print(stream, OpPrintingFlags().useLocalScope());
  auto [entry, isNew] = kernels.try_emplace(text);
  if (!isNew) {
    function.erase();
    return entry->second;
  }
  std::string name = description.str() + "_" + std::to_string(kernelCount++);
  function.setSymName(name);
  entry->second = FlatSymbolRefAttr::get(builder.getContext(), name);
  return entry->second;
}

/// Those that write to a part of a larger tensor have taken the place of others.
static void eraseUncalled(ModuleOp module) {
  llvm::DenseSet<StringAttr> called;
  module.walk([&](kernel::CallOp call) { called.insert(call.getCalleeAttr().getAttr()); });
  for (auto function : llvm::make_early_inc_range(module.getOps<kernel::FuncOp>()))
    if (!called.contains(function.getSymNameAttr()))
      function.erase();
}

namespace {
struct NNToKernelPass : sinter::impl::NNToKernelBase<NNToKernelPass> {
  using NNToKernelBase::NNToKernelBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    OpBuilder builder(&getContext());
    HostBuilder host(module, builder);
    for (func::FuncOp function : llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
      if (failed(host.buildFunction(function)))
        return signalPassFailure();
    eraseUncalled(module);
  }
};
} // namespace
