//===- ProfileCalls.cpp - marks the calls that are measured ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/host/profile-calls/ProfileCalls.h"
#include "passes/host/profile-calls/Cost.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace sinter;

namespace sinter {
#define GEN_PASS_DEF_PROFILECALLS
#include "passes/host/profile-calls/ProfileCalls.h.inc"
} // namespace sinter

/// Names of the ONNX nodes that an op came from, each once, in the model's order.
static void collectNodes(Location loc, llvm::SetVector<StringRef> &nodes) {
  if (auto name = dyn_cast<NameLoc>(loc))
    nodes.insert(name.getName().getValue());
  else if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location each : fused.getLocations())
      collectNodes(each, nodes);
}

namespace {
struct ProfileCallsPass : sinter::impl::ProfileCallsBase<ProfileCallsPass> {
  using ProfileCallsBase::ProfileCallsBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    Builder builder(&getContext());
    llvm::DenseMap<StringAttr, Cost> costs;
    for (auto kernel : module.getOps<kernel::FuncOp>())
      costs[kernel.getSymNameAttr()] = costOf(kernel);

    SmallVector<Attribute> table;
    auto mark = [&](Operation *call, StringRef kernel, const Cost &cost) {
      SmallVector<AffineExpr> results = {cost.operations, cost.bytes};
      for (auto &[whole, reads] : cost.leastBytes)
        results.append({whole, reads});
      SmallVector<int64_t> sizes;
      for (RuntimeSize size : cost.sizes)
        sizes.append({size.operand, size.dim});
      call->setAttr(
          profileAttribute,
          builder.getDictionaryAttr(
              {builder.getNamedAttr("entry", builder.getI64IntegerAttr(table.size())),
               builder.getNamedAttr("cost", AffineMapAttr::get(AffineMap::get(
                                                0, cost.sizes.size(), results, &getContext()))),
               builder.getNamedAttr("sizes", builder.getDenseI64ArrayAttr(sizes))}));
      llvm::SetVector<StringRef> nodes;
      collectNodes(call->getLoc(), nodes);
      table.push_back(builder.getStrArrayAttr({kernel, llvm::join(nodes, " ")}));
    };
    module.walk([&](Operation *op) {
      if (auto call = dyn_cast<kernel::CallOp>(op)) {
        if (auto found = costs.find(call.getCalleeAttr().getAttr()); found != costs.end())
          mark(call, call.getCallee(), found->second);
      } else if (auto call = dyn_cast<kernel::RuntimeCallOp>(op)) {
        mark(call, call.getCallee(), costOf(call));
      }
    });
    module->setAttr(profileAttribute, builder.getArrayAttr(table));
  }
};
} // namespace
