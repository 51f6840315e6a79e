//===- Schedule.cpp - checks of a kernel's schedule -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A schedule is checked by following it: each loop nest is an ordered list of loop names that the
// directives take from and add to, as Halide does.
//
//===----------------------------------------------------------------------===//

#include "dialects/kernel/Kernel.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace sinter::kernel;

ParseResult StagesOp::parse(OpAsmParser &parser, OperationState &result) {
  result.addTypes(SmallVector<Type>(parser.getNumResults(), StageType::get(parser.getContext())));
  return parser.parseOptionalAttrDict(result.attributes);
}

void StagesOp::print(OpAsmPrinter &printer) { printer.printOptionalAttrDict((*this)->getAttrs()); }

namespace {

/// The loops of one stage: its initialisation, and its update where it has one.
struct Nests {
  SmallVector<StringRef> nests[2];
  bool hasUpdate = false;
};

class ScheduleChecker {
public:
  explicit ScheduleChecker(FuncOp kernel) : kernel(kernel) {}

  LogicalResult run() {
    for (Operation &op : kernel.getSchedule().front())
      if (failed(visit(op)))
        return failure();
    return success();
  }

private:
  LogicalResult visit(Operation &op) {
    return TypeSwitch<Operation *, LogicalResult>(&op)
        .Case([&](StagesOp op) { return visit(op); })
        .Case([&](SplitOp op) {
          if (op.getFactor() < 1)
            return LogicalResult(op.emitOpError("factor ") << op.getFactor() << " is not positive");
          if (auto even = op.getEven(); even && (*even < 1 || op.getFactor() % *even != 0))
            return LogicalResult(op.emitOpError("parts of at most ")
                                 << op.getFactor() << " can't be multiples of " << *even);
          auto *loops = nest(op, op.getStage(), op.getUpdate());
          return LogicalResult(success(loops && take(op, *loops, op.getDim()) &&
                                       add(op, *loops, op.getOuter()) &&
                                       add(op, *loops, op.getInner())));
        })
        .Case([&](TileOp op) { return visit(op); })
        .Case([&](FuseOp op) {
          auto *loops = nest(op, op.getStage(), op.getUpdate());
          return LogicalResult(success(loops && take(op, *loops, op.getOuter()) &&
                                       take(op, *loops, op.getInner()) &&
                                       add(op, *loops, op.getFused())));
        })
        .Case<ReorderOp, GPUBlocksOp, GPUThreadsOp>([&](auto op) {
          auto *loops = nest(op, op.getStage(), op.getUpdate());
          if (!loops)
            return LogicalResult(failure());
          if (!isa<ReorderOp>(op) && (op.getDims().empty() || op.getDims().size() > 3))
            return LogicalResult(op.emitOpError("needs one to three loops"));
          ArrayAttr dims = op.getDims();
          for (StringRef dim : dims.getAsValueRange<StringAttr>())
            if (!has(op, *loops, dim))
              return LogicalResult(failure());
          return LogicalResult(success());
        })
        .Case([&](GPUBlockOp op) {
          auto *loops = nest(op, op.getStage(), op.getUpdate());
          return LogicalResult(success(loops && add(op, *loops, op.getBlock())));
        })
        .Case<VectorizeOp, UnrollOp, ParallelOp>([&](auto op) {
          auto *loops = nest(op, op.getStage(), op.getUpdate());
          return LogicalResult(success(loops && has(op, *loops, op.getDim())));
        })
        .Case([&](VersionsOp op) { return visit(op); })
        .Case([&](SpecializeOp op) {
          auto *loops = nest(op, op.getStage(), op.getUpdate());
          return LogicalResult(success(loops != nullptr));
        })
        .Case<ComputeAtOp, StoreAtOp>([&](auto op) {
          auto *loops = nest(op, op.getConsumer(), op.getUpdate());
          return LogicalResult(success(loops && has(op, *loops, op.getDim())));
        })
        .Case([&](RFactorOp op) { return visit(op); })
        .Case<AtomicOp, ComputeRootOp, StoreInOp, BoundOp, AlignStorageOp>(
            [](Operation *) { return success(); })
        .Default([](Operation *op) { return op->emitOpError("is no schedule directive"); });
  }

  LogicalResult visit(StagesOp op) {
    SmallVector<linalg::LinalgOp> stages = kernel.getStages();
    if (stages.size() != op.getNumResults())
      return op.emitOpError("names ")
             << op.getNumResults() << " stages, but the algorithm has " << stages.size();
    for (auto [value, stage] : llvm::zip(op.getStages(), stages)) {
      Nests &nests = loops[value];
      nests.hasUpdate = stage.getNumReductionLoops() != 0;
      for (auto [i, kind] : llvm::enumerate(stage.getIteratorTypesArray())) {
        if (kind == utils::IteratorType::parallel)
          nests.nests[0].push_back(name(i));
        nests.nests[1].push_back(name(i));
      }
    }
    return success();
  }

  LogicalResult visit(TileOp op) {
    auto *loops = nest(op, op.getStage(), op.getUpdate());
    if (!loops)
      return failure();
    size_t n = op.getDims().size();
    if (op.getFactors().size() != n || op.getResults().size() != 2 * n)
      return op.emitOpError("needs one factor and two results for each of ") << n << " loops";
    for (StringRef dim : op.getDims().getAsValueRange<StringAttr>())
      if (!take(op, *loops, dim))
        return failure();
    for (StringRef dim : op.getResults().getAsValueRange<StringAttr>())
      if (!add(op, *loops, dim))
        return failure();
    return success();
  }

  LogicalResult visit(VersionsOp op) {
    if (op.getFactors().empty() || op.getFactors().size() != op.getCosts().size())
      return op.emitOpError("needs one cost for each version");
    if (llvm::any_of(op.getCosts(), [](int64_t cost) { return cost < 1; }))
      return op.emitOpError("costs are positive");
    auto arePositive = [](DictionaryAttr all) {
      return llvm::all_of(all, [](NamedAttribute each) {
        auto value = dyn_cast<IntegerAttr>(each.getValue());
        return value && value.getInt() > 0;
      });
    };
    auto factors = op.getFactors().getAsRange<DictionaryAttr>();
    if (!llvm::all_of(factors, arePositive) || (op.getParts() && !arePositive(*op.getParts())))
      return op.emitOpError("factors and parts are positive numbers");
    return success(nest(op, op.getStage(), op.getUpdate()) != nullptr);
  }

  LogicalResult visit(RFactorOp op) {
    auto *reduction = nest(op, op.getStage(), /*update=*/true);
    if (!reduction || !has(op, *reduction, op.getDim()))
      return failure();
    if (op.getFactor() < 1)
      return op.emitOpError("factor ") << op.getFactor() << " is not positive";
    Nests partial = loops[op.getStage()];
    if (!add(op, partial.nests[0], op.getLane()) || !add(op, partial.nests[1], op.getLane()))
      return failure();
    loops[op.getPartial()] = partial;
    return success();
  }

  SmallVector<StringRef> *nest(Operation *op, Value stage, bool update) {
    Nests &nests = loops[stage];
    if (update && !nests.hasUpdate) {
      op->emitOpError("schedules the update of a stage that reduces over nothing");
      return nullptr;
    }
    return &nests.nests[update];
  }

  bool has(Operation *op, ArrayRef<StringRef> loops, StringRef dim) {
    if (llvm::is_contained(loops, dim))
      return true;
    InFlightDiagnostic error = op->emitOpError("names loop '")
                               << dim << "', but the loops here are ";
    llvm::interleaveComma(loops, error, [&](StringRef loop) { error << '\'' << loop << '\''; });
    return false;
  }

  bool take(Operation *op, SmallVectorImpl<StringRef> &loops, StringRef dim) {
    if (!has(op, loops, dim))
      return false;
    loops.erase(llvm::find(loops, dim));
    return true;
  }

  bool add(Operation *op, SmallVectorImpl<StringRef> &loops, StringRef dim) {
    if (llvm::is_contained(loops, dim)) {
      op->emitOpError("makes a second loop '") << dim << "'";
      return false;
    }
    loops.push_back(dim);
    return true;
  }

  /// The interned name of iteration dimension `i`.
  StringRef name(unsigned i) {
    return StringAttr::get(kernel.getContext(), loopName(i)).getValue();
  }

  FuncOp kernel;
  llvm::DenseMap<Value, Nests> loops;
};

} // namespace

LogicalResult FuncOp::verifyRegions() {
  Block &body = getBody().front();
  if (body.empty() || !isa<YieldOp>(body.back()))
    return emitOpError("has no kernel.yield at the end of its body");
  if (!hasSchedule() || getSchedule().front().empty())
    return success();
  if (!isa<StagesOp>(getSchedule().front().front()))
    return emitOpError("has a schedule that does not begin with kernel.stages");
  return ScheduleChecker(*this).run();
}
