//===- Entry.cpp - a kernel's entry takes pointers and sizes --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Halide's function takes a description of each buffer in memory. Nothing would be gained by
// keeping them: where the description is made beside the code that reads it, all of it becomes
// constants and registers.
//
//===----------------------------------------------------------------------===//

#include "targets/halide/Internal.h"

#include "dialects/kernel/Buffers.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Transforms/IPO/AlwaysInliner.h"
#include "llvm/Transforms/Scalar/InstSimplifyPass.h"
#include "llvm/Transforms/Scalar/SROA.h"

using namespace llvm;
using mlir::MemRefType;
using mlir::ShapedType;

namespace {

/// Builds the entry around Halide's function.
class EntryBuilder {
public:
  EntryBuilder(Function &buffers, StringRef symbol, ArrayRef<mlir::Type> types, bool onDevice)
      : buffers(buffers), types(types), onDevice(onDevice), builder(buffers.getContext()) {
    Type *i32 = builder.getInt32Ty(), *i64 = builder.getInt64Ty(), *pointer = builder.getPtrTy();
    dimensionType = StructType::get(i32, i32, i32, i32);
    // halide_buffer_t: device, interface, host, flags, type, dimensions, dim, padding.
    bufferType = StructType::get(
        i64, pointer, pointer, i64,
        StructType::get(builder.getInt8Ty(), builder.getInt8Ty(), builder.getInt16Ty()), i32,
        pointer, pointer);
    SmallVector<Type *> parameters = {pointer};
    for (auto [i, type] : enumerate(types)) {
      parameters.push_back(buffers.getArg(i + 1)->getType());
      if (auto memref = mlir::dyn_cast<MemRefType>(type))
        parameters.append(memref.getNumDynamicDims(), i32);
    }
    entry = Function::Create(FunctionType::get(buffers.getReturnType(), parameters, false),
                             GlobalValue::ExternalLinkage, symbol, buffers.getParent());
    entry->addFnAttr(Attribute::NoUnwind);
    builder.SetInsertPoint(BasicBlock::Create(buffers.getContext(), "", entry));
  }

  Function &build() {
    SmallVector<Value *> arguments = {entry->getArg(0)};
    next = 1;
    for (mlir::Type type : types) {
      auto memref = mlir::dyn_cast<MemRefType>(type);
      arguments.push_back(memref ? buffer(memref) : entry->getArg(next++));
    }
    builder.CreateRet(builder.CreateCall(&buffers, arguments));
    return *entry;
  }

private:
  /// A buffer on the stack, described by the next parameters.
  Value *buffer(MemRefType type) {
    int64_t rank = type.getRank();
    Value *host = entry->getArg(next++);
    SmallVector<Value *> sizes;
    for (int64_t size : type.getShape())
      sizes.push_back(ShapedType::isDynamic(size) ? static_cast<Value *>(entry->getArg(next++))
                                                  : builder.getInt32(int32_t(size)));
    SmallVector<int64_t> strides;
    if (!type.getLayout().isIdentity()) {
      // A part of a larger tensor: its strides are constants.
      int64_t unused;
      (void)type.getStridesAndOffset(strides, unused);
    }
    auto *dimensions = ArrayType::get(dimensionType, std::max<int64_t>(rank, 1));
    Value *dims = builder.CreateAlloca(dimensions), *result = builder.CreateAlloca(bufferType);
    Value *stride = builder.getInt32(1);
    for (int64_t i = 0; i < rank; ++i) {
      // Halide counts from the innermost.
      Value *extent = sizes[rank - 1 - i];
      if (!strides.empty())
        stride = builder.getInt32(int32_t(strides[rank - 1 - i]));
      Value *fields[] = {builder.getInt32(0), extent, stride, builder.getInt32(0)};
      for (auto [number, field] : enumerate(fields))
        builder.CreateStore(
            field, builder.CreateInBoundsGEP(dimensions, dims,
                                             {builder.getInt32(0), builder.getInt32(int32_t(i)),
                                              builder.getInt32(unsigned(number))}));
      stride = builder.CreateMul(stride, extent);
    }
    enum { deviceField = 0, hostField = 2, flagsField = 3, dimensionsField = 5, dimField = 6 };
    builder.CreateStore(ConstantAggregateZero::get(bufferType), result);
    if (onDevice) {
      constexpr uint64_t deviceDirty = 2; // halide_buffer_flag_device_dirty
      builder.CreateStore(builder.CreatePtrToInt(host, builder.getInt64Ty()),
                          builder.CreateStructGEP(bufferType, result, deviceField));
      builder.CreateStore(builder.getInt64(deviceDirty),
                          builder.CreateStructGEP(bufferType, result, flagsField));
    }
    builder.CreateStore(host, builder.CreateStructGEP(bufferType, result, hostField));
    builder.CreateStore(builder.getInt32(int32_t(rank)),
                        builder.CreateStructGEP(bufferType, result, dimensionsField));
    builder.CreateStore(dims, builder.CreateStructGEP(bufferType, result, dimField));
    return result;
  }

  Function &buffers;
  ArrayRef<mlir::Type> types;
  bool onDevice;
  IRBuilder<> builder;
  StructType *dimensionType, *bufferType;
  Function *entry = nullptr;
  unsigned next = 0; // parameter
};

} // namespace

void sinter::halide::addEntry(Module &module, StringRef symbol, ArrayRef<mlir::Type> types,
                              bool onDevice) {
  Function &buffers = *module.getFunction(symbol);
  buffers.setName(symbol + "_buffers");
  buffers.setLinkage(GlobalValue::InternalLinkage);
  buffers.addFnAttr(Attribute::AlwaysInline);
  Function &entry = EntryBuilder(buffers, symbol, types, onDevice).build();

  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager callGraph;
  ModuleAnalysisManager modules;
  PassBuilder builder;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(callGraph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, callGraph, modules);
  AlwaysInlinerPass(/*InsertLifetime=*/false).run(module, modules);
  FunctionPassManager passes;
  passes.addPass(SROAPass(SROAOptions::PreserveCFG));
  passes.addPass(InstSimplifyPass());
  passes.run(entry, functions);
}
