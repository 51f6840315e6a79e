//===- Bytes.cpp - memory at an address, as memrefs -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/host/plan-memory/Bytes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sinter;

Value sinter::bytesAt(OpBuilder &builder, Location loc, Value address, Value size) {
  // The descriptor {allocated, aligned, offset, sizes[1], strides[1]}.
  Type i64 = builder.getI64Type(), pointer = address.getType();
  auto array = LLVM::LLVMArrayType::get(i64, 1);
  auto descriptorType =
      LLVM::LLVMStructType::getLiteral(builder.getContext(), {pointer, pointer, i64, array, array});
  Value zero = LLVM::ConstantOp::create(builder, loc, i64, 0);
  Value one = LLVM::ConstantOp::create(builder, loc, i64, 1);
  Value descriptor = LLVM::PoisonOp::create(builder, loc, descriptorType);
  auto insert = [&](Value value, ArrayRef<int64_t> position) {
    descriptor = LLVM::InsertValueOp::create(builder, loc, descriptor, value, position);
  };
  insert(address, {0});
  insert(address, {1});
  insert(zero, {2});
  insert(size, {3, 0});
  insert(one, {4, 0});
  auto bytes = MemRefType::get({ShapedType::kDynamic}, builder.getI8Type());
  return UnrealizedConversionCastOp::create(builder, loc, bytes, descriptor).getResult(0);
}

void sinter::lowerPart(kernel::PartOp part) {
  OpBuilder builder(part);
  Location loc = part.getLoc();
  auto type = cast<MemRefType>(part.getType());
  int64_t elementBytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8), fixed = elementBytes;
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  auto wide = [&](Value index) -> Value {
    return arith::IndexCastOp::create(builder, loc, builder.getI64Type(), index);
  };
  for (int64_t dim : type.getShape())
    fixed *= ShapedType::isDynamic(dim) ? 1 : dim;
  Value size = constant(fixed);
  for (Value dim : part.getSizes())
    size = arith::MulIOp::create(builder, loc, size, dim);
  Value start = memref::ExtractAlignedPointerAsIndexOp::create(builder, loc, part.getSource());
  Value offset = arith::MulIOp::create(builder, loc, part.getOffset(), constant(elementBytes));
  Value address =
      LLVM::IntToPtrOp::create(builder, loc, LLVM::LLVMPointerType::get(builder.getContext()),
                               wide(arith::AddIOp::create(builder, loc, start, offset)));
  Value bytes = bytesAt(builder, loc, address, wide(size));
  Value view = memref::ViewOp::create(builder, loc, type, bytes, constant(0), part.getSizes());
  part.replaceAllUsesWith(view);
  part.erase();
}
