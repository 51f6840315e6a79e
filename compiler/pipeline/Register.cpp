//===- Register.cpp - dialects, interfaces and passes ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/pipeline/Pipeline.h"
#include "dialects/kernel/Kernel.h"
#include "dialects/nn/NN.h"
#include "mlir/Conversion/ConvertToLLVM/ToLLVMInterface.h"
#include "mlir/Dialect/Arith/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/FuncBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/IR/TensorInferTypeOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/SubsetInsertionOpInterfaceImpl.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "passes/autodiff/nn-autodiff/NNAutodiff.h"
#include "passes/autodiff/nn-bucket-all-reduce/NNBucketAllReduce.h"
#include "passes/autodiff/nn-recompute/NNRecompute.h"
#include "passes/autodiff/nn-train-step/NNTrainStep.h"
#include "passes/graph/nn-assign-layout/NNAssignLayout.h"
#include "passes/graph/nn-channels-first/NNChannelsFirst.h"
#include "passes/graph/nn-decompose/NNDecompose.h"
#include "passes/graph/nn-explicit-broadcast/NNExplicitBroadcast.h"
#include "passes/graph/nn-fold-constants/NNFoldConstants.h"
#include "passes/graph/nn-fuse/NNFuse.h"
#include "passes/graph/nn-infer-shapes/NNInferShapes.h"
#include "passes/graph/nn-integer-products/NNIntegerProducts.h"
#include "passes/graph/nn-outline-prepare/NNOutlinePrepare.h"
#include "passes/graph/nn-simplify/NNSimplify.h"
#include "passes/graph/nn-split-batch/NNSplitBatch.h"
#include "passes/graph/nn-version-products/NNVersionProducts.h"
#include "passes/host/lower-calls/LowerCalls.h"
#include "passes/host/place-on-device/PlaceOnDevice.h"
#include "passes/host/plan-memory/PlanMemory.h"
#include "passes/host/profile-calls/ProfileCalls.h"
#include "passes/kernels/kernel-tile/KernelTile.h"
#include "passes/kernels/lower-reference/LowerReference.h"
#include "passes/kernels/nn-to-kernel/NNToKernel.h"

using namespace mlir;
using namespace sinter;

void sinter::registerAll(DialectRegistry &registry) {
  registry.insert<nn::NNDialect, kernel::KernelDialect, affine::AffineDialect, arith::ArithDialect,
                  bufferization::BufferizationDialect, func::FuncDialect, linalg::LinalgDialect,
                  LLVM::LLVMDialect, math::MathDialect, memref::MemRefDialect, scf::SCFDialect,
                  tensor::TensorDialect>();
  registerReferenceInterfaces(registry);
  kernel::registerBufferizationInterfaces(registry);
  bufferization::func_ext::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerInferTypeOpInterfaceExternalModels(registry);
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
}

void sinter::registerAllPasses() {
  registerNNAssignLayout();
  registerNNAutodiff();
  registerNNChannelsFirst();
  registerNNBucketAllReduce();
  registerNNRecompute();
  registerNNTrainStep();
  registerNNDecompose();
  registerNNExplicitBroadcast();
  registerNNOutlinePrepare();
  registerNNSplitBatch();
  registerNNVersionProducts();
  registerNNFoldConstants();
  registerNNFuse();
  registerNNInferShapes();
  registerNNIntegerProducts();
  registerNNSimplify();
  registerNNToKernel();
  registerKernelTile();
  registerLowerKernelsReference();
  registerPlaceOnDevice();
  registerPlanMemory();
  registerLowerCalls();
  registerProfileCalls();
}
