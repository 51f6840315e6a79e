//===- Wrapper.cpp - from memrefs to Halide's buffers ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The buffers are made on the stack. With all shapes static Halide reads only the host pointers,
// and inlining leaves nothing of the rest.
//
//===----------------------------------------------------------------------===//

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
  WrapperBuilder(OpBuilder &builder, Location loc) : builder(builder), loc(loc) {
    MLIRContext *context = builder.getContext();
    pointer = LLVM::LLVMPointerType::get(context);
    i8 = builder.getI8Type();
    i16 = builder.getI16Type();
    i32 = builder.getI32Type();
    i64 = builder.getI64Type();
    dimensionType = LLVM::LLVMStructType::getLiteral(context, {i32, i32, i32, i32});
    auto elementType = LLVM::LLVMStructType::getLiteral(context, {i8, i8, i16});
    // halide_buffer_t: device, interface, host, flags, type, dimensions, dim, padding.
    bufferType = LLVM::LLVMStructType::getLiteral(
        context, {i64, pointer, pointer, i64, elementType, i32, pointer, pointer});
  }

  Value constant(Type type, int64_t value) {
    return LLVM::ConstantOp::create(builder, loc, type, builder.getIntegerAttr(type, value));
  }

  Value allocate(Type type, int64_t count) {
    return LLVM::AllocaOp::create(builder, loc, pointer, type, constant(i64, count),
                                  /*alignment=*/16);
  }

  void store(Value value, Value base, Type type, ArrayRef<LLVM::GEPArg> position) {
    Value address = LLVM::GEPOp::create(builder, loc, pointer, type, base, position);
    LLVM::StoreOp::create(builder, loc, value, address);
  }

  /// The extents of a memref, outermost first.
  SmallVector<Value> extents(Value memref) {
    auto type = cast<MemRefType>(memref.getType());
    SmallVector<Value> result;
    for (int64_t i = 0; i < type.getRank(); ++i) {
      if (!type.isDynamicDim(i)) {
        result.push_back(constant(i32, type.getDimSize(i)));
        continue;
      }
      Value size = memref::DimOp::create(builder, loc, memref, i);
      result.push_back(arith::IndexCastOp::create(builder, loc, i32, size));
    }
    return result;
  }

  Value buffer(Value memref) {
    auto type = cast<MemRefType>(memref.getType());
    int64_t rank = type.getRank();
    Value result = allocate(bufferType, 1),
          dims = allocate(dimensionType, std::max<int64_t>(rank, 1));
    Value address = memref::ExtractAlignedPointerAsIndexOp::create(builder, loc, memref);
    SmallVector<int64_t> strides;
    if (!type.getLayout().isIdentity()) {
      // A part of a larger tensor: its strides are constants, its offset is not.
      int64_t unused;
      (void)type.getStridesAndOffset(strides, unused);
      Value offset = memref::ExtractStridedMetadataOp::create(builder, loc, memref).getOffset();
      Value bytes = arith::ConstantIndexOp::create(builder, loc, type.getElementTypeBitWidth() / 8);
      offset = arith::MulIOp::create(builder, loc, offset, bytes);
      address = arith::AddIOp::create(builder, loc, address, offset);
    }
    address = arith::IndexCastOp::create(builder, loc, i64, address);
    Value host = LLVM::IntToPtrOp::create(builder, loc, pointer, address);
    Value null = LLVM::ZeroOp::create(builder, loc, pointer);
    Type element = type.getElementType();
    int64_t code = isa<FloatType>(element) ? (element.isBF16() ? 3 : 2)
                   : element.isInteger(1)  ? 1
                                           : 0;
    store(constant(i64, 0), result, bufferType, {0, 0});
    store(null, result, bufferType, {0, 1});
    store(host, result, bufferType, {0, 2});
    store(constant(i64, 0), result, bufferType, {0, 3});
    store(constant(i8, code), result, bufferType, {0, 4, 0});
    store(constant(i8, element.isIndex() ? 64 : element.getIntOrFloatBitWidth()), result,
          bufferType, {0, 4, 1});
    store(constant(i16, 1), result, bufferType, {0, 4, 2});
    store(constant(i32, rank), result, bufferType, {0, 5});
    store(dims, result, bufferType, {0, 6});
    store(null, result, bufferType, {0, 7});
    Value stride = constant(i32, 1);
    SmallVector<Value> sizes = extents(memref);
    for (auto [i, extent] : llvm::enumerate(llvm::reverse(sizes))) {
      int32_t position = i;
      store(constant(i32, 0), dims, dimensionType, {position, 0});
      store(extent, dims, dimensionType, {position, 1});
      if (!strides.empty())
        stride = constant(i32, strides[rank - 1 - i]);
      store(stride, dims, dimensionType, {position, 2});
      store(constant(i32, 0), dims, dimensionType, {position, 3});
      stride = arith::MulIOp::create(builder, loc, stride, extent);
    }
    return result;
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
  Type pointer, i8, i16, i32, i64;
  LLVM::LLVMStructType dimensionType, bufferType;
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
    calleeTypes.push_back(isa<MemRefType>(type) ? wrapper.pointer
                          : type.isIndex()      ? wrapper.i32
                                                : type);
  // Another kernel may be equal, and call the same.
  auto module = kernel->getParentOfType<ModuleOp>();
  auto callee = module.lookupSymbol<LLVM::LLVMFuncOp>(symbol);
  if (!callee)
    callee = LLVM::LLVMFuncOp::create(builder, loc, symbol,
                                      LLVM::LLVMFunctionType::get(wrapper.i32, calleeTypes));

  auto func = func::FuncOp::create(builder, loc, kernel.getSymName(),
                                   builder.getFunctionType(types, TypeRange()));
  func.setPrivate();
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
    arguments.push_back(entry->getArgument(0));
    for (Value argument : entry->getArguments().drop_front()) {
      if (isa<MemRefType>(argument.getType()))
        argument = wrapper.buffer(argument);
      else if (argument.getType().isIndex())
        argument = arith::IndexCastOp::create(builder, loc, wrapper.i32, argument);
      arguments.push_back(argument);
    }
    OpBuilder::InsertionGuard guard(builder);
    if (some) {
      auto branch = scf::IfOp::create(builder, loc, some, /*withElseRegion=*/false);
      builder.setInsertionPointToStart(branch.thenBlock());
    }
    LLVM::CallOp::create(builder, loc, callee, arguments);
  }
  func::ReturnOp::create(builder, loc);
}
