//===- HalideKernels.cpp - kernels to bitcode by Halide -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "targets/halide/HalideKernels.h"
#include "dialects/kernel/Fingerprint.h"
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

/// A C identifier: what the kernel does, for people, and its fingerprint.
static std::string symbolOf(kernel::FuncOp kernel) {
  StringRef name = kernel.getSymName();
  // The number at the end is the model's.
  if (auto [words, number] = name.rsplit('_'); llvm::all_of(number, llvm::isDigit))
    name = words;
  std::string symbol;
  for (char c : name)
    symbol += llvm::isAlnum(c) || c == '_' ? c : '_';
  return symbol + "_" + kernel::fingerprint(kernel);
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

/// A request for the CPU's or the device's code of a kernel.
static halide::KernelRequest requestFor(kernel::FuncOp kernel, const Target &target,
                                        StringRef symbol) {
  halide::KernelRequest request;
  request.target = target.halide;
  request.symbol = symbol.str();
  request.vectorBytes = target.vectorBytes;
  if (kernel.hasSchedule() && !kernel.getSchedule().front().getOps<kernel::AtomicOp>().empty())
    request.target += target.halideDot;
  if (kernel->hasAttr(halide::deviceAttribute)) {
    request.device = target.device.runtime;
    request.target += "-" + target.device.halide;
  }
  return request;
}

/// Bitcode of one kernel; runs on any thread.
static halide::KernelOutput translate(kernel::FuncOp kernel, const halide::KernelRequest &request) {
  // A copy is translated: the original keeps its math, in case that it takes the other road.
  OwningOpRef<kernel::FuncOp> copy = cast<kernel::FuncOp>(kernel->clone());
  halide::expandMath(*copy);
  halide::KernelOutput output = halide::translateKernel(*copy, request);
  if (output.error.empty() && request.bitcode)
    halide::finishBitcode(kernel, request, output);
  return output;
}

LogicalResult sinter::lowerKernelsToHalide(ModuleOp module, const Target &target, unsigned threads,
                                           std::vector<KernelCode> &kernels, KernelObjects *objects,
                                           StringRef suffix) {
  MLIRContext *context = module.getContext();
  context->loadDialect<arith::ArithDialect, func::FuncDialect, LLVM::LLVMDialect,
                       memref::MemRefDialect, scf::SCFDialect>();
  struct Work {
    SmallVector<kernel::FuncOp> funcs; // that are equal but for their names
    KernelCode code;
    std::string error;
  };
  std::vector<Work> works;
  llvm::StringMap<size_t> places;
  for (kernel::FuncOp func : module.getOps<kernel::FuncOp>()) {
    std::string symbol = symbolOf(func) + suffix.str();
    auto [place, isNew] = places.try_emplace(symbol, works.size());
    if (isNew)
      works.push_back({{}, {func.getSymName().str(), symbol, {}, {}}, {}});
    works[place->second].funcs.push_back(func);
  }

  if (!context->isMultithreadingEnabled())
    threads = 1;
  forEach(works.size(), threads, [&](size_t i) {
    KernelCode &code = works[i].code;
    if (objects && objects->find(code.symbol, code.object))
      return;
    halide::KernelRequest request = requestFor(works[i].funcs.front(), target, code.symbol);
    halide::KernelOutput output = translate(works[i].funcs.front(), request);
    works[i].error = std::move(output.error);
    if (!works[i].error.empty())
      return;
    if (objects)
      objects->make(output.bitcode, code.symbol, code.object, works[i].error);
    else
      code.bitcode = std::move(output.bitcode);
  });

  for (Work &work : works) {
    for (kernel::FuncOp func : work.funcs) {
      if (work.error.empty())
        halide::replaceByWrapper(func, work.code.symbol);
      else
        func.emitRemark("kernel '")
            << func.getSymName() << "' is compiled as plain loops: " << work.error;
    }
    if (work.error.empty())
      kernels.push_back(std::move(work.code));
  }
  return success();
}

LogicalResult sinter::printHalideLoops(ModuleOp module, const Target &target, std::string &text) {
  for (kernel::FuncOp func : module.getOps<kernel::FuncOp>()) {
    halide::KernelRequest request = requestFor(func, target, symbolOf(func));
    request.statement = true;
    request.bitcode = false;
    halide::KernelOutput output = translate(func, request);
    if (!output.error.empty())
      text += "// kernel " + func.getSymName().str() +
              " is compiled as plain loops: " + output.error + "\n\n";
    else
      text += "// kernel " + func.getSymName().str() + "\n" + output.statement + "\n";
  }
  return success();
}

LogicalResult sinter::printDeviceCode(ModuleOp module, const Target &target, std::string &text) {
  for (kernel::FuncOp func : module.getOps<kernel::FuncOp>()) {
    if (!func->hasAttr(halide::deviceAttribute)) {
      text += "// kernel " + func.getSymName().str() + " is the CPU's\n\n";
      continue;
    }
    halide::KernelOutput output = translate(func, requestFor(func, target, symbolOf(func)));
    if (!output.error.empty())
      text += "// kernel " + func.getSymName().str() +
              " is compiled as plain loops: " + output.error + "\n\n";
    else
      text += "// kernel " + func.getSymName().str() + "\n" + output.deviceCode + "\n";
  }
  return success();
}
