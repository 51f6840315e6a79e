//===- LowerCalls.cpp - kernel calls in terms of func and LLVM ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/host/lower-calls/LowerCalls.h"
#include "dialects/kernel/Kernel.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/host/profile-calls/ProfileCalls.h"

using namespace mlir;
using namespace sinter;

namespace sinter {
#define GEN_PASS_DEF_LOWERCALLS
#include "passes/host/lower-calls/LowerCalls.h.inc"
} // namespace sinter

namespace {

class CallLowering {
public:
  explicit CallLowering(ModuleOp module)
      : module(module), builder(module.getContext()),
        pointer(LLVM::LLVMPointerType::get(module.getContext())), i32(builder.getI32Type()),
        i64(builder.getI64Type()) {}

  LogicalResult lower(kernel::CallOp call) {
    auto callee = module.lookupSymbol<func::FuncOp>(call.getCallee());
    if (!callee)
      return call.emitOpError("kernel @") << call.getCallee() << " has not been lowered";
    builder.setInsertionPoint(call);
    SmallVector<Value> operands{context(call)};
    for (Value operand : call->getOperands()) {
      Type expected = callee.getArgumentTypes()[operands.size()];
      if (operand.getType() != expected) {
        if (!isa<MemRefType>(expected) ||
            !memref::CastOp::areCastCompatible(operand.getType(), expected))
          return call.emitOpError("passes ")
                 << operand.getType() << " where the kernel takes " << expected;
        operand = memref::CastOp::create(builder, call.getLoc(), expected, operand);
      }
      operands.push_back(operand);
    }
    Value start = startMeasuring(call);
    func::CallOp::create(builder, call.getLoc(), callee, operands);
    endMeasuring(call, start);
    call.erase();
    return success();
  }

  LogicalResult lower(kernel::RuntimeCallOp call) {
    Location loc = call.getLoc();
    builder.setInsertionPoint(call);
    size_t count = call.getInputs().size() + call.getInits().size();
    auto arrayType =
        LLVM::LLVMStructType::getLiteral(builder.getContext(), {pointer, i32, i32, pointer});
    Value arrays = stack(call, arrayType, count);
    auto dtypes = call.getDtypes();
    if (!dtypes || dtypes->size() != count)
      return call.emitOpError("needs one dtype per array");
    size_t number = 0;
    for (Value memref : call->getOperands()) {
      auto type = cast<MemRefType>(memref.getType());
      if (!type.getLayout().isIdentity())
        return call.emitOpError("needs contiguous arrays");
      Value dims = stack(call, i64, std::max<int64_t>(type.getRank(), 1));
      for (int64_t d = 0; d < type.getRank(); ++d) {
        Value size = memref::DimOp::create(builder, loc, memref, d);
        size = arith::IndexCastOp::create(builder, loc, i64, size);
        store(size, dims, i64, {static_cast<int32_t>(d)});
      }
      Value address = memref::ExtractAlignedPointerAsIndexOp::create(builder, loc, memref);
      int32_t index = number;
      store(toPointer(address), arrays, arrayType, {index, 0});
      store(constant((*dtypes)[number]), arrays, arrayType, {index, 1});
      store(constant(type.getRank()), arrays, arrayType, {index, 2});
      store(dims, arrays, arrayType, {index, 3});
      ++number;
    }
    ArrayRef<int64_t> params = call.getParams().value_or(ArrayRef<int64_t>());
    Value paramArray = stack(call, i64, std::max<size_t>(params.size(), 1));
    for (auto [i, param] : llvm::enumerate(params))
      store(LLVM::ConstantOp::create(builder, loc, i64, param), paramArray, i64,
            {static_cast<int32_t>(i)});

    Value start = startMeasuring(call);
    auto callee =
        declare("sinter_k_" + call.getCallee().str(),
                LLVM::LLVMFunctionType::get(i32, {pointer, pointer, i32, i32, pointer, i32}));
    Value status =
        LLVM::CallOp::create(builder, loc, callee,
                             ValueRange{context(call), arrays, constant(call.getInputs().size()),
                                        constant(call.getInits().size()), paramArray,
                                        constant(params.size())})
            .getResult();
    endMeasuring(call, start);
    Value bad = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, status, constant(0));
    auto branch = scf::IfOp::create(builder, loc, bad, /*withElseRegion=*/false);
    builder.setInsertionPointToStart(branch.thenBlock());
    auto fail = declare("sinter_rt_fail",
                        LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(builder.getContext()),
                                                    {pointer, i32, pointer}));
    Value message = LLVM::ZeroOp::create(builder, loc, pointer);
    LLVM::CallOp::create(builder, loc, fail, ValueRange{context(call), status, message});
    call.erase();
    return success();
  }

  void lowerDeviceCopy(memref::CopyOp copy) {
    Location loc = copy.getLoc();
    builder.setInsertionPoint(copy);
    auto type = cast<MemRefType>(copy.getTarget().getType());
    int64_t rank = type.getRank();
    int64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
    auto number = [&](int64_t value) -> Value {
      return LLVM::ConstantOp::create(builder, loc, i64, value);
    };
    auto array = [&](ValueRange values) {
      Value place = stack(copy, i64, std::max<int64_t>(rank, 1));
      for (auto [i, value] : llvm::enumerate(values))
        store(arith::IndexCastOp::create(builder, loc, i64, value), place, i64,
              {static_cast<int32_t>(i)});
      return place;
    };
    Value sizes, width = arith::ConstantIndexOp::create(builder, loc, bytes);
    SmallVector<Value> addresses, strides;
    for (Value memref : {copy.getTarget(), copy.getSource()}) {
      auto parts = memref::ExtractStridedMetadataOp::create(builder, loc, memref);
      Value offset = arith::MulIOp::create(builder, loc, parts.getOffset(), width);
      Value base = memref::ExtractAlignedPointerAsIndexOp::create(builder, loc, memref);
      addresses.push_back(toPointer(arith::AddIOp::create(builder, loc, base, offset)));
      strides.push_back(array(parts.getStrides()));
      if (!sizes)
        sizes = array(parts.getSizes());
    }
    auto callee = declare("sinter_rt_device_copy_strided",
                          LLVM::LLVMFunctionType::get(
                              LLVM::LLVMVoidType::get(builder.getContext()),
                              {pointer, pointer, pointer, i64, i64, pointer, pointer, pointer}));
    LLVM::CallOp::create(builder, loc, callee,
                         ValueRange{context(copy), addresses[0], addresses[1], number(bytes),
                                    number(rank), sizes, strides[0], strides[1]});
    copy.erase();
  }

  void lower(kernel::RequireOp op) {
    Location loc = op.getLoc();
    std::string name = "sinter_need_" + std::to_string(messages++);
    builder.setInsertionPointToStart(module.getBody());
    std::string text = op.getMessage().str() + '\0';
    auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), text.size());
    LLVM::GlobalOp::create(builder, loc, type, /*isConstant=*/true, LLVM::Linkage::Private, name,
                           builder.getStringAttr(text));
    builder.setInsertionPoint(op);
    auto wide = [&](Value size) { return arith::IndexCastOp::create(builder, loc, i64, size); };
    Value message = LLVM::AddressOfOp::create(builder, loc, pointer, name);
    auto callee = declare("sinter_rt_require",
                          LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(builder.getContext()),
                                                      {pointer, i64, i64, i32, pointer}));
    LLVM::CallOp::create(builder, loc, callee,
                         ValueRange{context(op), wide(op.getLhs()), wide(op.getRhs()),
                                    constant(static_cast<int64_t>(op.getNeed())), message});
    op.erase();
  }

private:
  static Value context(Operation *op) { return op->getParentOfType<func::FuncOp>().getArgument(0); }

  /// The time before a call that profile-calls has marked; null for others.
  Value startMeasuring(Operation *call) {
    if (!call->hasAttr(profileAttribute))
      return {};
    return now(call->getLoc());
  }

  Value now(Location loc) {
    auto clock = declare("sinter_rt_profile_now", LLVM::LLVMFunctionType::get(i64, {}));
    return LLVM::CallOp::create(builder, loc, clock, ValueRange()).getResult();
  }

  /// Adds the time since `start`, and the cost of the call, to the context's totals.
  void endMeasuring(Operation *call, Value start) {
    if (!start)
      return;
    Location loc = call->getLoc();
    auto profile = call->getAttrOfType<DictionaryAttr>(profileAttribute);
    auto number = [&](int64_t value) -> Value {
      return LLVM::ConstantOp::create(builder, loc, i64, value);
    };
    Value end = now(loc);
    ArrayRef<int64_t> sizes = profile.getAs<DenseI64ArrayAttr>("sizes").asArrayRef();
    SmallVector<Value> symbols;
    for (size_t i = 0; i < sizes.size(); i += 2) {
      Value operand = call->getOperand(sizes[i]);
      symbols.push_back(
          sizes[i + 1] < 0
              ? operand
              : memref::DimOp::create(builder, loc, operand, sizes[i + 1]).getResult());
    }
    SmallVector<Value> costs;
    for (AffineExpr expr : profile.getAs<AffineMapAttr>("cost").getValue().getResults()) {
      Value cost = affine::expandAffineExpr(builder, loc, expr, ValueRange(), symbols);
      costs.push_back(arith::IndexCastOp::create(builder, loc, i64, cost));
    }
    Value bytes = costs[1];
    for (size_t i = 2; i < costs.size(); i += 2) {
      Value least = arith::MinSIOp::create(builder, loc, costs[i], costs[i + 1]);
      bytes = arith::AddIOp::create(builder, loc, bytes, least);
    }
    auto record = declare("sinter_rt_profile_add",
                          LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(builder.getContext()),
                                                      {pointer, i64, i64, i64, i64}));
    Value elapsed = arith::SubIOp::create(builder, loc, end, start);
    LLVM::CallOp::create(builder, loc, record,
                         ValueRange{context(call),
                                    number(profile.getAs<IntegerAttr>("entry").getInt()), elapsed,
                                    costs[0], bytes});
  }

  /// Room on the stack for the whole function.
  Value stack(Operation *op, Type type, size_t count) {
    OpBuilder::InsertionGuard guard(builder);
    auto function = op->getParentOfType<func::FuncOp>();
    builder.setInsertionPointToStart(&function.getBody().front());
    Value size = LLVM::ConstantOp::create(builder, op->getLoc(), i64, count);
    return LLVM::AllocaOp::create(builder, op->getLoc(), pointer, type, size);
  }

  Value toPointer(Value address) {
    Location loc = address.getLoc();
    address = arith::IndexCastOp::create(builder, loc, i64, address);
    return LLVM::IntToPtrOp::create(builder, loc, pointer, address);
  }

  void store(Value value, Value base, Type type, ArrayRef<int32_t> position) {
    SmallVector<LLVM::GEPArg> indices(position.begin(), position.end());
    Value place = LLVM::GEPOp::create(builder, value.getLoc(), pointer, type, base, indices);
    LLVM::StoreOp::create(builder, value.getLoc(), value, place);
  }

  Value constant(int64_t value) {
    return LLVM::ConstantOp::create(builder, builder.getUnknownLoc(), i32, value);
  }

  LLVM::LLVMFuncOp declare(StringRef name, LLVM::LLVMFunctionType type) {
    if (auto found = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
      return found;
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(module.getBody());
    return LLVM::LLVMFuncOp::create(builder, module.getLoc(), name, type);
  }

  ModuleOp module;
  OpBuilder builder;
  Type pointer, i32, i64;
  unsigned messages = 0;
};

struct LowerCallsPass : sinter::impl::LowerCallsBase<LowerCallsPass> {
  using LowerCallsBase::LowerCallsBase;

  void runOnOperation() override {
    CallLowering lowering(getOperation());
    SmallVector<kernel::CallOp> calls;
    SmallVector<kernel::RuntimeCallOp> runtimeCalls;
    SmallVector<memref::CopyOp> deviceCopies;
    getOperation().walk([&](kernel::CallOp op) { calls.push_back(op); });
    getOperation().walk([&](kernel::RuntimeCallOp op) { runtimeCalls.push_back(op); });
    getOperation().walk([&](memref::CopyOp op) {
      if (op->hasAttr("kernel.device"))
        deviceCopies.push_back(op);
    });
    getOperation().walk([&](kernel::RequireOp op) { lowering.lower(op); });
    for (auto copy : deviceCopies)
      lowering.lowerDeviceCopy(copy);
    for (auto call : calls)
      if (failed(lowering.lower(call)))
        return signalPassFailure();
    for (auto call : runtimeCalls)
      if (failed(lowering.lower(call)))
        return signalPassFailure();
  }
};

} // namespace
