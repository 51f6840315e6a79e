//===- Translate.cpp - one kernel through Halide --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "targets/halide/Translate.h"
#include "targets/halide/Algorithm.h"
#include "targets/halide/MergeStaging.h"
#include "targets/halide/PrefetchPanels.h"
#include "targets/halide/PrivateRegisters.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

#include <mutex>

using namespace sinter;
using namespace sinter::halide;
namespace H = Halide;

namespace {

/// Errors are thrown to translateKernel; warnings about odd but right schedules go nowhere.
struct QuietReporter : H::CompileTimeErrorReporter {
  void warning(const char *) override {}
  void error(const char *message) override { throw Refusal{message}; }
};

/// A file that goes when this does.
struct TemporaryFile {
  explicit TemporaryFile(const char *suffix) {
    if (std::error_code error = llvm::sys::fs::createTemporaryFile("sinter", suffix, path))
      throw Refusal{"no temporary file: " + error.message()};
  }
  ~TemporaryFile() { (void)llvm::sys::fs::remove(path); }
  std::string read() const {
    auto buffer = llvm::MemoryBuffer::getFile(path);
    if (!buffer)
      throw Refusal{"cannot read " + path.str().str()};
    return (*buffer)->getBuffer().str();
  }
  llvm::SmallString<128> path;
};

/// A schedule may promise extents that Halide can't infer. Where it infers that one is broken it
/// leaves an assertion that never holds, and simplifies what follows as if it did.
class RefuseBrokenBounds : public H::Internal::IRMutator {
  using IRMutator::visit;

  H::Internal::Stmt visit(const H::Internal::AssertStmt *op) override {
    const auto *error = op->message.as<H::Internal::Call>();
    if (H::Internal::is_const_zero(op->condition) && error &&
        error->name == "halide_error_explicit_bounds_too_small")
      throw Refusal{"Halide needs more of a stage than the schedule says"};
    return IRMutator::visit(op);
  }
};

} // namespace

static void installReporter() {
  static QuietReporter reporter;
  static std::once_flag once;
  std::call_once(once, [] { H::set_custom_compile_time_error_reporter(&reporter); });
}

static KernelOutput compile(kernel::FuncOp kernel, const KernelRequest &request) {
  Algorithm algorithm(kernel, request.device.empty()       ? Backend::CPU
                              : request.device == "opencl" ? Backend::OpenCL
                                                           : Backend::CUDA);
  applySchedule(kernel, algorithm);
  // strict_float keeps Halide and its LLVM from using that NaNs "do not occur"; LLVM 22 contracts
  // to FMA again when the bitcode is read (Bitcode.h).
  std::string flags =
      "-no_runtime-no_asserts-no_bounds_query-disable_llvm_loop_opt-user_context-strict_float";
  if (algorithm.largeBuffers)
    flags += "-large_buffers";
  H::Target target(request.target + flags);
  H::Pipeline pipeline(algorithm.outputs);
  RefuseBrokenBounds refuse;
  pipeline.add_custom_lowering_pass(&refuse, nullptr);
  std::vector<H::Internal::IRMutator *> passes;
  if (request.device.empty())
    passes = {createPrefetchPanels()};
  else
    passes = {createPrivateRegisters(), createMergeStaging()};
  for (H::Internal::IRMutator *pass : passes)
    pipeline.add_custom_lowering_pass(pass, [pass] { delete pass; });
  H::Module module = pipeline.compile_to_module(algorithm.arguments, request.symbol, target,
                                                H::LinkageType::External);
  TemporaryFile bitcode("bc"), statement("stmt");
  std::map<H::OutputFileType, std::string> files;
  if (request.bitcode)
    files[H::OutputFileType::bitcode] = bitcode.path.str().str();
  if (request.statement)
    files[H::OutputFileType::stmt] = statement.path.str().str();
  module.compile(files);
  KernelOutput output;
  if (request.bitcode)
    output.bitcode = bitcode.read();
  if (request.statement)
    output.statement = statement.read();
  return output;
}

KernelOutput sinter::halide::translateKernel(kernel::FuncOp kernel, const KernelRequest &request) {
  installReporter();
  KernelOutput output;
  try {
    return compile(kernel, request);
  } catch (const Refusal &refusal) {
    output.error = refusal.reason;
  } catch (const std::exception &error) {
    output.error = error.what();
  }
  while (!output.error.empty() && output.error.back() == '\n')
    output.error.pop_back();
  return output;
}
