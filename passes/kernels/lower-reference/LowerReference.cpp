//===- LowerReference.cpp - kernels as plain loops ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/kernels/lower-reference/LowerReference.h"
#include "dialects/kernel/Buffers.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Dialect/Arith/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Linalg/Transforms/SubsetInsertionOpInterfaceImpl.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/SCF/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/SubsetInsertionOpInterfaceImpl.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

namespace sinter {
#define GEN_PASS_DEF_LOWERKERNELSREFERENCE
#include "passes/kernels/lower-reference/LowerReference.h.inc"
} // namespace sinter

using namespace mlir;
using namespace sinter;

void sinter::registerReferenceInterfaces(DialectRegistry &registry) {
  arith::registerBufferizableOpInterfaceExternalModels(registry);
  linalg::registerBufferizableOpInterfaceExternalModels(registry);
  linalg::registerSubsetOpInterfaceExternalModels(registry);
  scf::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerSubsetOpInterfaceExternalModels(registry);
}

func::FuncOp sinter::declareLoweredKernel(OpBuilder &builder, kernel::FuncOp kernel) {
  SmallVector<Type> inputs = {LLVM::LLVMPointerType::get(builder.getContext())};
  llvm::append_range(inputs, kernel::getBufferTypes(kernel));
  builder.setInsertionPoint(kernel);
  auto func = func::FuncOp::create(builder, kernel.getLoc(), kernel.getSymName(),
                                   builder.getFunctionType(inputs, TypeRange()));
  func.setPrivate();
  return func;
}

/// The kernel's algorithm in the new function, still on tensors: inputs come from memrefs, results
/// go to memrefs.
static func::FuncOp moveBody(kernel::FuncOp kernel) {
  OpBuilder builder(kernel);
  func::FuncOp func = declareLoweredKernel(builder, kernel);
  Block *entry = func.addEntryBlock();
  builder.setInsertionPointToStart(entry);
  Location loc = kernel.getLoc();
  IRMapping mapping;
  for (BlockArgument argument : kernel.getBody().getArguments()) {
    Value value = entry->getArgument(argument.getArgNumber() + 1);
    if (isa<RankedTensorType>(argument.getType()))
      value = bufferization::ToTensorOp::create(builder, loc, argument.getType(), value,
                                                /*restrict=*/true);
    mapping.map(argument, value);
  }
  for (Operation &op : kernel.getBody().front().without_terminator())
    builder.clone(op, mapping);
  unsigned firstResult = kernel.getArgumentTypes().size() + 1;
  for (auto [i, value] : llvm::enumerate(kernel.getYielded()))
    bufferization::MaterializeInDestinationOp::create(builder, loc, Type(), mapping.lookup(value),
                                                      entry->getArgument(firstResult + i),
                                                      /*restrict=*/true,
                                                      /*writable=*/true);
  func::ReturnOp::create(builder, loc);
  return func;
}

/// A call of `ptr sinter_rt_alloc(ctx, bytes)`, whoever declared it.
static Value createRuntimeAlloc(OpBuilder &builder, func::FuncOp func, Location loc, Value bytes) {
  constexpr StringLiteral name = "sinter_rt_alloc";
  auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
  auto module = func->getParentOfType<ModuleOp>();
  Operation *callee = SymbolTable::lookupSymbolIn(module, name);
  if (!callee) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(module.getBody());
    auto declaration = func::FuncOp::create(
        builder, loc, name, builder.getFunctionType({pointer, builder.getI64Type()}, {pointer}));
    declaration.setPrivate();
    callee = declaration;
  }
  Value operands[] = {func.getArgument(0), bytes};
  if (isa<LLVM::LLVMFuncOp>(callee))
    return LLVM::CallOp::create(builder, loc, pointer, name, operands).getResult();
  return func::CallOp::create(builder, loc, name, pointer, operands).getResult(0);
}

/// Small buffers live on the stack; larger ones come from the context's arena. The descriptor is
/// put together in the LLVM dialect and cast, as the conversion to LLVM will take it.
static void lowerAlloc(RewriterBase &rewriter, func::FuncOp func, memref::AllocOp alloc) {
  constexpr int64_t stackBytes = 4096;
  MemRefType type = alloc.getType();
  Location loc = alloc.getLoc();
  rewriter.setInsertionPoint(alloc);
  int64_t elementBytes =
      type.getElementType().isIndex() ? 8 : llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  if (type.hasStaticShape() && type.getNumElements() * elementBytes <= stackBytes) {
    rewriter.replaceOpWithNewOp<memref::AllocaOp>(alloc, type, rewriter.getI64IntegerAttr(64));
    return;
  }
  auto i64 = rewriter.getI64Type();
  auto constant = [&](int64_t value) -> Value {
    return LLVM::ConstantOp::create(rewriter, loc, i64, rewriter.getI64IntegerAttr(value));
  };
  SmallVector<Value> sizes, strides(type.getRank());
  unsigned next = 0;
  for (int64_t size : type.getShape())
    sizes.push_back(
        ShapedType::isDynamic(size)
            ? arith::IndexCastOp::create(rewriter, loc, i64, alloc.getDynamicSizes()[next++])
                  .getResult()
            : constant(size));
  Value elements = constant(1);
  for (int64_t i = type.getRank() - 1; i >= 0; --i) {
    strides[i] = elements;
    elements = arith::MulIOp::create(rewriter, loc, elements, sizes[i]);
  }
  Value bytes = arith::MulIOp::create(rewriter, loc, elements, constant(elementBytes));
  Value pointer = createRuntimeAlloc(rewriter, func, loc, bytes);

  SmallVector<Type> fields = {pointer.getType(), pointer.getType(), i64};
  if (type.getRank() != 0)
    fields.append(2, LLVM::LLVMArrayType::get(i64, type.getRank()));
  Value descriptor = LLVM::UndefOp::create(
      rewriter, loc, LLVM::LLVMStructType::getLiteral(rewriter.getContext(), fields));
  auto insert = [&](Value value, ArrayRef<int64_t> position) {
    descriptor = LLVM::InsertValueOp::create(rewriter, loc, descriptor, value, position);
  };
  insert(pointer, {0});
  insert(pointer, {1});
  insert(constant(0), {2});
  for (int64_t i = 0; i < type.getRank(); ++i) {
    insert(sizes[i], {3, i});
    insert(strides[i], {4, i});
  }
  rewriter.replaceOpWithNewOp<UnrealizedConversionCastOp>(alloc, type, descriptor);
}

static LogicalResult bufferize(RewriterBase &rewriter, func::FuncOp func) {
  if (failed(bufferization::eliminateEmptyTensors(rewriter, func)))
    return failure();
  bufferization::OneShotBufferizationOptions options;
  options.unknownTypeConverterFn = [](TensorType type, Attribute memorySpace,
                                      const bufferization::BufferizationOptions &) {
    return bufferization::getMemRefTypeWithStaticIdentityLayout(type, memorySpace);
  };
  bufferization::BufferizationState state;
  return bufferization::runOneShotBufferize(func, options, state);
}

LogicalResult sinter::lowerKernelToLoops(kernel::FuncOp kernel) {
  func::FuncOp func = moveBody(kernel);
  kernel.erase();
  IRRewriter rewriter(func.getContext());
  if (failed(bufferize(rewriter, func)))
    return func.emitError("kernel '") << func.getSymName() << "' cannot be bufferized";
  auto each = [&](auto callback) {
    SmallVector<Operation *> ops;
    func.walk([&](Operation *op) { ops.push_back(op); });
    for (Operation *op : ops)
      if (failed(callback(op)))
        return failure();
    return success();
  };
  // Upstream would make library calls of copies.
  (void)each([&](Operation *op) {
    if (auto copy = dyn_cast<memref::CopyOp>(op)) {
      rewriter.setInsertionPoint(copy);
      linalg::makeMemRefCopyOp(rewriter, copy.getLoc(), copy.getSource(), copy.getTarget());
      rewriter.eraseOp(copy);
    }
    return success();
  });
  if (failed(each([&](Operation *op) -> LogicalResult {
        auto structured = dyn_cast<linalg::LinalgOp>(op);
        if (!structured)
          return success();
        rewriter.setInsertionPoint(op);
        if (failed(linalg::linalgOpToLoops(rewriter, structured)))
          return op->emitError("cannot be turned into loops");
        rewriter.eraseOp(op);
        return success();
      })))
    return failure();
  return each([&](Operation *op) {
    if (auto alloc = dyn_cast<memref::AllocOp>(op))
      lowerAlloc(rewriter, func, alloc);
    return success();
  });
}

namespace {
struct LowerKernelsReference : sinter::impl::LowerKernelsReferenceBase<LowerKernelsReference> {
  void runOnOperation() override {
    for (auto kernel : llvm::make_early_inc_range(getOperation().getOps<kernel::FuncOp>()))
      if (failed(lowerKernelToLoops(kernel)))
        return signalPassFailure();
    OpPassManager loops("builtin.module");
    loops.addPass(createLowerAffinePass());
    loops.nest<func::FuncOp>().addPass(createCSEPass());
    if (failed(runPipeline(loops, getOperation())))
      signalPassFailure();
  }
};
} // namespace
