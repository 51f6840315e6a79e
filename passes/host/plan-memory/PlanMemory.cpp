//===- PlanMemory.cpp - one workspace for all intermediates ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/host/plan-memory/PlanMemory.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "passes/host/plan-memory/Bytes.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sinter;

namespace sinter {
#define GEN_PASS_DEF_PLANMEMORY
#include "passes/host/plan-memory/PlanMemory.h.inc"
} // namespace sinter

namespace {

/// One allocation of the function.
struct Allocation {
  memref::AllocOp op;
  /// Positions in the entry block between which the buffer holds data.
  unsigned start = 0, end = 0;
  /// Carried around a loop: each iteration needs a buffer of its own.
  bool escapesIteration = false;
  /// Bytes if static.
  int64_t bytes = -1;
  /// Dims can be computed from the function's arguments.
  bool planned = false;
  /// The result of the function that the buffer is; -1 if none.
  int32_t output = -1;
  int64_t offset = 0;
};

class Planner {
public:
  Planner(func::FuncOp function, int64_t alignment)
      : function(function), alignment(alignment), builder(function.getContext()) {}

  LogicalResult run() {
    Block &entry = function.getBody().front();
    unsigned position = 0;
    for (Operation &op : entry)
      positions[&op] = position++;

    function.walk([&](memref::AllocOp op) { allocations.push_back({op}); });
    for (Allocation &each : allocations)
      analyze(each);
    findOutputs();
    addArguments();
    planStatic();
    planDynamic();
    createSizeFunction();
    return replace();
  }

private:
  unsigned positionOf(Operation *op) {
    Operation *ancestor = function.getBody().front().findAncestorOpInBlock(*op);
    return positions.lookup(ancestor);
  }

  /// Follows the buffer through views, branches and loops.
  void analyze(Allocation &allocation) {
    Operation *op = allocation.op;
    allocation.start = allocation.end = positionOf(op);
    SmallVector<Value> worklist{allocation.op.getResult()};
    DenseSet<Value> seen;
    while (!worklist.empty()) {
      Value value = worklist.pop_back_val();
      if (!seen.insert(value).second)
        continue;
      for (OpOperand &use : value.getUses()) {
        Operation *user = use.getOwner();
        allocation.end = std::max(allocation.end, positionOf(user));
        if (isa<func::ReturnOp>(user)) {
          allocation.end = positions.size();
        } else if (isa<ViewLikeOpInterface>(user) || isa<arith::SelectOp>(user)) {
          for (Value result : user->getResults())
            if (isa<BaseMemRefType>(result.getType()))
              worklist.push_back(result);
        } else if (auto loop = dyn_cast<LoopLikeOpInterface>(user)) {
          // An initial value lives as the loop's argument, and perhaps result.
          llvm::append_range(worklist, memrefs(loop.getRegionIterArgs()));
          llvm::append_range(worklist, memrefs(user->getResults()));
          for (Region *region : loop.getLoopRegions())
            llvm::append_range(worklist, memrefs(region->getArguments()));
        } else if (isa<scf::YieldOp, scf::ConditionOp>(user)) {
          Operation *parent = user->getParentOp();
          llvm::append_range(worklist, memrefs(parent->getResults()));
          if (auto loop = dyn_cast<LoopLikeOpInterface>(parent)) {
            if (parent->isProperAncestor(op))
              allocation.escapesIteration = true;
            for (Region *region : loop.getLoopRegions())
              llvm::append_range(worklist, memrefs(region->getArguments()));
          }
        }
      }
    }
    MemRefType type = allocation.op.getType();
    if (type.hasStaticShape())
      allocation.bytes = type.getNumElements() * elementBytes(type);
    allocation.planned = !allocation.escapesIteration &&
                         llvm::all_of(allocation.op.getDynamicSizes(),
                                      [&](Value size) { return isEntryComputable(size, 0); });
  }

  /// Buffers that are returned as a whole are the caller's own memory, where that will do.
  void findOutputs() {
    auto result = cast<func::ReturnOp>(function.getBody().front().getTerminator());
    for (OpOperand &operand : result->getOpOperands()) {
      Value value = operand.get();
      while (Operation *op = value.getDefiningOp())
        if (isa<memref::ReinterpretCastOp, memref::CastOp>(op))
          value = op->getOperand(0);
        else
          break;
      for (Allocation &each : allocations)
        if (each.op.getResult() == value && each.output < 0 &&
            each.op->getParentOp() == function.getOperation()) {
          each.output = operand.getOperandNumber();
          each.planned = false;
        }
    }
  }

  static SmallVector<Value> memrefs(ValueRange values) {
    SmallVector<Value> result;
    for (Value value : values)
      if (isa<BaseMemRefType>(value.getType()))
        result.push_back(value);
    return result;
  }

  static int64_t elementBytes(MemRefType type) {
    return llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  }

  /// Arithmetic on the dims of the function's arguments.
  bool isEntryComputable(Value value, unsigned depth) {
    if (depth > 64)
      return false;
    if (auto found = computable.find(value); found != computable.end())
      return found->second;
    bool result = false;
    Operation *op = value.getDefiningOp();
    if (auto dim = dyn_cast_or_null<memref::DimOp>(op)) {
      auto argument = dyn_cast<BlockArgument>(dim.getSource());
      result = argument && argument.getOwner()->isEntryBlock() &&
               argument.getOwner()->getParentOp() == function && dim.getConstantIndex().has_value();
    } else if (op && isa<arith::ArithDialect, affine::AffineDialect>(op->getDialect()) &&
               op->getNumRegions() == 0) {
      result = llvm::all_of(op->getOperands(),
                            [&](Value operand) { return isEntryComputable(operand, depth + 1); });
    }
    return computable[value] = result;
  }

  /// Clones the computation of `value` at the builder's place.
  Value compute(Value value, IRMapping &mapping) {
    if (Value known = mapping.lookupOrNull(value))
      return known;
    Operation *op = value.getDefiningOp();
    for (Value operand : op->getOperands())
      compute(operand, mapping);
    builder.clone(*op, mapping);
    return mapping.lookup(value);
  }

  void addArguments() {
    MLIRContext *context = function.getContext();
    Location loc = function.getLoc();
    auto pointer = LLVM::LLVMPointerType::get(context);
    auto bytes = MemRefType::get({ShapedType::kDynamic}, IntegerType::get(context, 8));
    auto attributes = DictionaryAttr::get(context);
    (void)function.insertArgument(0, pointer, attributes, loc);
    (void)function.insertArgument(1, bytes, attributes, loc);
  }

  /// Greedy by size: the largest first, each at the lowest place that is free
  /// during its life (Pisarchyk & Lee, "Efficient Memory Management for Deep
  /// Neural Net Inference", 2020, greedy by size for offset calculation).
  void planStatic() {
    SmallVector<Allocation *> order, placed;
    for (Allocation &each : allocations)
      if (each.planned && each.bytes >= 0)
        order.push_back(&each);
    llvm::stable_sort(order, [](auto *a, auto *b) { return a->bytes > b->bytes; });
    for (Allocation *each : order) {
      int64_t offset = 0;
      for (Allocation *other : placed) { // sorted by offset
        if (other->end < each->start || each->end < other->start)
          continue;
        if (offset + each->bytes <= other->offset)
          break;
        offset = std::max<int64_t>(offset, llvm::alignTo(other->offset + other->bytes, alignment));
      }
      each->offset = offset;
      staticBytes = std::max<int64_t>(staticBytes, llvm::alignTo(offset + each->bytes, alignment));
      placed.insert(
          llvm::upper_bound(placed, each, [](auto *a, auto *b) { return a->offset < b->offset; }),
          each);
    }
  }

  /// Interval colouring: each slot is as large as its largest tenant.
  void planDynamic() {
    SmallVector<Allocation *> order;
    for (Allocation &each : allocations)
      if (each.planned && each.bytes < 0)
        order.push_back(&each);
    llvm::stable_sort(order, [](auto *a, auto *b) { return a->start < b->start; });
    for (Allocation *each : order) {
      Slot *best = nullptr;
      for (Slot &slot : slots) {
        if (slot.tenants.back()->end >= each->start)
          continue;
        // The one that was freed last is most likely of like size.
        if (!best || slot.tenants.back()->end > best->tenants.back()->end)
          best = &slot;
      }
      if (!best) {
        slots.emplace_back();
        best = &slots.back();
      }
      best->tenants.push_back(each);
      slotOf[each] = best - slots.data();
    }
  }

  /// Offsets of the slots, then the total, computed at the builder's place.
  SmallVector<Value> computeOffsets(IRMapping &mapping) {
    Location loc = function.getLoc();
    SmallVector<Value> offsets;
    Value offset = arith::ConstantIndexOp::create(builder, loc, staticBytes);
    Value mask = arith::ConstantIndexOp::create(builder, loc, ~(alignment - 1));
    Value round = arith::ConstantIndexOp::create(builder, loc, alignment - 1);
    for (Slot &slot : slots) {
      offsets.push_back(offset);
      Value largest;
      for (Allocation *tenant : slot.tenants) {
        MemRefType type = tenant->op.getType();
        int64_t fixed = elementBytes(type);
        for (int64_t dim : type.getShape())
          if (!ShapedType::isDynamic(dim))
            fixed *= dim;
        Value size = arith::ConstantIndexOp::create(builder, loc, fixed);
        for (Value dim : tenant->op.getDynamicSizes())
          size = arith::MulIOp::create(builder, loc, size, compute(dim, mapping));
        largest = largest ? arith::MaxSIOp::create(builder, loc, largest, size) : size;
      }
      Value end = arith::AddIOp::create(builder, loc, offset, largest);
      end = arith::AddIOp::create(builder, loc, end, round);
      offset = arith::AndIOp::create(builder, loc, end, mask);
    }
    offsets.push_back(offset);
    return offsets;
  }

  void createSizeFunction() {
    Location loc = function.getLoc();
    builder.setInsertionPoint(function);
    SmallVector<Type> inputs(function.getArgumentTypes().drop_front(2));
    std::string name = "sinter_workspace_size";
    if (!isMain())
      name += ("_" + function.getName()).str();
    auto size = func::FuncOp::create(builder, loc, name,
                                     builder.getFunctionType(inputs, builder.getI64Type()));
    size->setAttr("llvm.emit_c_interface", builder.getUnitAttr());
    Block *entry = size.addEntryBlock();
    IRMapping mapping;
    for (auto [from, to] : llvm::zip(function.getArguments().drop_front(2), entry->getArguments()))
      mapping.map(from, to);
    builder.setInsertionPointToStart(entry);
    Value total = computeOffsets(mapping).back();
    total = arith::IndexCastOp::create(builder, loc, builder.getI64Type(), total);
    func::ReturnOp::create(builder, loc, total);
  }

  LogicalResult replace() {
    builder.setInsertionPointToStart(&function.getBody().front());
    SmallVector<Value> offsets;
    if (!slots.empty()) {
      IRMapping mapping;
      for (Value argument : function.getArguments())
        mapping.map(argument, argument);
      offsets = computeOffsets(mapping);
    }
    for (Allocation &each : allocations) {
      memref::AllocOp op = each.op;
      Location loc = op.getLoc();
      builder.setInsertionPoint(op);
      Value base = function.getArgument(1), offset;
      if (!each.planned) {
        base = allocateAtRunTime(op, each.output);
        offset = arith::ConstantIndexOp::create(builder, loc, 0);
      } else if (each.bytes >= 0) {
        offset = arith::ConstantIndexOp::create(builder, loc, each.offset);
      } else {
        offset = offsets[slotOf.lookup(&each)];
      }
      auto view =
          memref::ViewOp::create(builder, loc, op.getType(), base, offset, op.getDynamicSizes());
      op.replaceAllUsesWith(view.getResult());
      op.erase();
    }
    function.walk([](memref::DeallocOp op) { op.erase(); });
    function.walk(lowerPart);
    function.setName(("sinter_" + function.getName()).str());
    function->setAttr("llvm.emit_c_interface", builder.getUnitAttr());
    return success();
  }

  bool isMain() { return function.getName() == "main"; }

  /// The runtime's function, declared.
  func::FuncOp declare(StringRef name, FunctionType type) {
    auto module = function->getParentOfType<ModuleOp>();
    auto callee = module.lookupSymbol<func::FuncOp>(name);
    if (!callee) {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(module.getBody());
      callee = func::FuncOp::create(builder, function.getLoc(), name, type);
      callee.setPrivate();
    }
    return callee;
  }

  /// memref<?xi8> from the context's arena, or from the caller for one of the function's results.
  Value allocateAtRunTime(memref::AllocOp op, int32_t output) {
    Location loc = op.getLoc();
    MLIRContext *context = op.getContext();
    auto pointer = LLVM::LLVMPointerType::get(context);
    Type i64 = builder.getI64Type();
    MemRefType type = op.getType();
    int64_t fixed = elementBytes(type);
    for (int64_t dim : type.getShape())
      if (!ShapedType::isDynamic(dim))
        fixed *= dim;
    Value size = arith::ConstantIndexOp::create(builder, loc, fixed);
    for (Value dim : op.getDynamicSizes())
      size = arith::MulIOp::create(builder, loc, size, dim);
    size = arith::IndexCastOp::create(builder, loc, i64, size);
    SmallVector<Value> operands{function.getArgument(0)};
    func::FuncOp callee;
    if (output < 0) {
      callee = declare("sinter_rt_alloc", builder.getFunctionType({pointer, i64}, pointer));
    } else {
      Type i32 = builder.getI32Type();
      callee = declare("sinter_rt_output", builder.getFunctionType({pointer, i32, i64}, pointer));
      operands.push_back(LLVM::ConstantOp::create(builder, loc, i32, output));
    }
    operands.push_back(size);
    Value address = func::CallOp::create(builder, loc, callee, operands).getResult(0);
    return bytesAt(builder, loc, address, size);
  }

  struct Slot {
    SmallVector<Allocation *> tenants; // in order of life
  };

  func::FuncOp function;
  int64_t alignment;
  OpBuilder builder;
  std::vector<Allocation> allocations;
  DenseMap<Operation *, unsigned> positions;
  DenseMap<Value, bool> computable;
  std::vector<Slot> slots;
  DenseMap<Allocation *, unsigned> slotOf;
  int64_t staticBytes = 0;
};

struct PlanMemoryPass : sinter::impl::PlanMemoryBase<PlanMemoryPass> {
  using PlanMemoryBase::PlanMemoryBase;

  void runOnOperation() override {
    if (!getOperation().lookupSymbol<func::FuncOp>("main")) {
      getOperation().emitError("there is no function @main");
      return signalPassFailure();
    }
    // Kernels are private.
    SmallVector<func::FuncOp> entries;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function.isPublic() && !function.isDeclaration())
        entries.push_back(function);
    for (func::FuncOp function : entries)
      if (failed(Planner(function, alignment).run()))
        return signalPassFailure();
  }
};

} // namespace
