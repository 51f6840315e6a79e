//===- Wrapper.cpp - from memrefs to a kernel's entry ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "targets/halide/Internal.h"

#include "dialects/kernel/Buffers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace sinter;

namespace {

/// Builds one wrapper.
class WrapperBuilder {
public:
  WrapperBuilder(OpBuilder &builder, Location loc)
      : builder(builder), loc(loc), pointer(LLVM::LLVMPointerType::get(builder.getContext())),
        i32(builder.getI32Type()) {}

  /// The types that an argument is passed as: see addEntry.
  SmallVector<Type> passedTypes(Type type) {
    auto memref = dyn_cast<MemRefType>(type);
    if (!memref)
      return {type.isIndex() ? i32 : type};
    SmallVector<Type> types = {pointer};
    types.append(memref.getNumDynamicDims(), i32);
    return types;
  }

  SmallVector<Value> pass(Value argument) {
    auto type = dyn_cast<MemRefType>(argument.getType());
    if (!type)
      return {argument.getType().isIndex() ? narrow(argument) : argument};
    Value address = memref::ExtractAlignedPointerAsIndexOp::create(builder, loc, argument);
    if (!type.getLayout().isIdentity()) {
      // A part of a larger tensor: its strides are constants, its offset is not.
      Value offset = memref::ExtractStridedMetadataOp::create(builder, loc, argument).getOffset();
      Value bytes = arith::ConstantIndexOp::create(builder, loc, type.getElementTypeBitWidth() / 8);
      offset = arith::MulIOp::create(builder, loc, offset, bytes);
      address = arith::AddIOp::create(builder, loc, address, offset);
    }
    address = arith::IndexCastOp::create(builder, loc, builder.getI64Type(), address);
    SmallVector<Value> values = {LLVM::IntToPtrOp::create(builder, loc, pointer, address)};
    for (int64_t i = 0; i < type.getRank(); ++i)
      if (type.isDynamicDim(i))
        values.push_back(narrow(memref::DimOp::create(builder, loc, argument, i)));
    return values;
  }

  /// Whether a memref of dynamic shape has elements; null if that is known.
  Value hasElements(Value memref) {
    auto type = cast<MemRefType>(memref.getType());
    Value result;
    for (int64_t i = 0; i < type.getRank(); ++i) {
      if (!type.isDynamicDim(i))
        continue;
      Value size = memref::DimOp::create(builder, loc, memref, i);
      Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
      Value some = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, size, zero);
      result = result ? arith::AndIOp::create(builder, loc, result, some).getResult() : some;
    }
    return result;
  }

  OpBuilder &builder;
  Location loc;
  Type pointer, i32;

private:
  Value narrow(Value index) { return arith::IndexCastOp::create(builder, loc, i32, index); }
};

} // namespace

static bool isStaticallyEmpty(Type type) {
  auto memref = dyn_cast<MemRefType>(type);
  return memref && llvm::is_contained(memref.getShape(), 0);
}

void sinter::halide::replaceByWrapper(kernel::FuncOp kernel, StringRef symbol) {
  OpBuilder builder(kernel);
  Location loc = kernel.getLoc();
  WrapperBuilder wrapper(builder, loc);
  size_t inputs = kernel.getArgumentTypes().size();
  SmallVector<Type> types = {wrapper.pointer};
  llvm::append_range(types, kernel::getBufferTypes(kernel));

  SmallVector<Type> calleeTypes;
  for (Type type : types)
    llvm::append_range(calleeTypes, wrapper.passedTypes(type));
  // Another kernel may be equal, and call the same.
  auto module = kernel->getParentOfType<ModuleOp>();
  auto callee = module.lookupSymbol<LLVM::LLVMFuncOp>(symbol);
  if (!callee)
    callee = LLVM::LLVMFuncOp::create(builder, loc, symbol,
                                      LLVM::LLVMFunctionType::get(wrapper.i32, calleeTypes));

  auto func = func::FuncOp::create(builder, loc, kernel.getSymName(),
                                   builder.getFunctionType(types, TypeRange()));
  func.setPrivate();
  if (kernel->hasAttr(deviceAttribute))
    func->setAttr(deviceAttribute, builder.getUnitAttr());
  kernel.erase();
  Block *entry = func.addEntryBlock();
  builder.setInsertionPointToStart(entry);

  // Schedules count on at least one element in every output.
  bool empty = false;
  Value some;
  for (Value output : entry->getArguments().drop_front(inputs + 1)) {
    empty |= isStaticallyEmpty(output.getType());
    if (Value each = wrapper.hasElements(output))
      some = some ? arith::AndIOp::create(builder, loc, some, each).getResult() : each;
  }
  if (!empty) {
    SmallVector<Value> arguments;
    for (Value argument : entry->getArguments())
      llvm::append_range(arguments, wrapper.pass(argument));
    OpBuilder::InsertionGuard guard(builder);
    if (some) {
      auto branch = scf::IfOp::create(builder, loc, some, /*withElseRegion=*/false);
      builder.setInsertionPointToStart(branch.thenBlock());
    }
    LLVM::CallOp::create(builder, loc, callee, arguments);
  }
  func::ReturnOp::create(builder, loc);
}
