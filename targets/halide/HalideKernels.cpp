//===- HalideKernels.cpp - kernels to bitcode by Halide -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "targets/halide/HalideKernels.h"
#include "targets/halide/Internal.h"
#include "targets/halide/Translate.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Diagnostics.h"

#include <atomic>
#include <thread>

using namespace mlir;
using namespace sinter;

/// A kernel's name as a C identifier, made Halide's by a suffix.
static std::string symbolOf(kernel::FuncOp kernel) {
  std::string symbol;
  for (char c : kernel.getSymName())
    symbol += llvm::isAlnum(c) || c == '_' ? c : '_';
  return symbol + "__halide";
}

/// Runs `work(i)` for i < count on some threads.
template <typename F>
static void forEach(size_t count, unsigned threads, F work) {
  if (threads == 0)
    threads = std::thread::hardware_concurrency();
  threads = std::max<size_t>(1, std::min<size_t>(threads, count));
  std::atomic<size_t> next = 0;
  auto loop = [&] {
    for (size_t i; (i = next++) < count;)
      work(i);
  };
  std::vector<std::thread> others;
  for (unsigned i = 1; i < threads; ++i)
    others.emplace_back(loop);
  loop();
  for (std::thread &thread : others)
    thread.join();
}

LogicalResult sinter::lowerKernelsToHalide(ModuleOp module, const Target &target, unsigned threads,
                                           std::vector<KernelCode> &kernels) {
  MLIRContext *context = module.getContext();
  context->loadDialect<arith::ArithDialect, func::FuncDialect, LLVM::LLVMDialect,
                       memref::MemRefDialect, scf::SCFDialect>();
  SmallVector<kernel::FuncOp> funcs(module.getOps<kernel::FuncOp>());
  // A copy is translated: the original keeps its math, in case that it takes the other road.
  SmallVector<OwningOpRef<kernel::FuncOp>> copies;
  for (kernel::FuncOp func : funcs) {
    copies.push_back(cast<kernel::FuncOp>(func->clone()));
    halide::expandMath(*copies.back());
  }

  std::vector<halide::KernelOutput> outputs(funcs.size());
  if (!context->isMultithreadingEnabled())
    threads = 1;
  forEach(funcs.size(), threads, [&](size_t i) {
    halide::KernelRequest request;
    request.target = target.halide;
    request.symbol = symbolOf(funcs[i]);
    outputs[i] = halide::translateKernel(*copies[i], request);
    if (outputs[i].error.empty())
      outputs[i].bitcode =
          halide::finishBitcode(outputs[i].bitcode, request.symbol, outputs[i].error);
  });

  for (auto [func, output] : llvm::zip(funcs, outputs)) {
    if (!output.error.empty()) {
      func.emitRemark("kernel '") << func.getSymName()
                                  << "' is compiled as plain loops: " << output.error;
      continue;
    }
    kernels.push_back({func.getSymName().str(), std::move(output.bitcode)});
    halide::replaceByWrapper(func, symbolOf(func));
  }
  return success();
}

LogicalResult sinter::printHalideLoops(ModuleOp module, const Target &target, std::string &text) {
  for (kernel::FuncOp func : module.getOps<kernel::FuncOp>()) {
    OwningOpRef<kernel::FuncOp> copy = cast<kernel::FuncOp>(func->clone());
    halide::expandMath(*copy);
    halide::KernelRequest request;
    request.target = target.halide;
    request.symbol = symbolOf(func);
    request.statement = true;
    request.bitcode = false;
    halide::KernelOutput output = halide::translateKernel(*copy, request);
    if (!output.error.empty())
      text += "// kernel " + func.getSymName().str() +
              " is compiled as plain loops: " + output.error + "\n\n";
    else
      text += "// kernel " + func.getSymName().str() + "\n" + output.statement + "\n";
  }
  return success();
}
