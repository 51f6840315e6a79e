//===- Internal.h - the steps of native code generation -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_TARGETS_NATIVE_INTERNAL_H
#define SINTER_TARGETS_NATIVE_INTERNAL_H

#include "targets/native/Native.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/raw_ostream.h"

namespace llvm {
class LLVMContext;
class TargetMachine;
} // namespace llvm

namespace sinter::native {

//===-- Codegen.cpp ---------------------------------------------------------===//

/// Null, with the reason in `error`, if LLVM does not know the target.
std::unique_ptr<llvm::TargetMachine> createTargetMachine(const Target &target, unsigned optLevel,
                                                         std::string &error);

/// Gives the module and each of its functions the target's triple, layout, CPU
/// and features, in place of those that it was made with.
void retarget(llvm::Module &module, llvm::TargetMachine &machine);

/// Halide's default float flags say that there are no NaNs and infinities, and
/// that functions may be approximated; the models' semantics say otherwise.
void honorNonFinite(llvm::Module &module);

/// LLVM's own pipeline for `optLevel`.
void optimize(llvm::Module &module, llvm::TargetMachine &machine, unsigned optLevel);

/// Makes code of the module; `assembly` or an object.
bool generateCode(llvm::Module &module, llvm::TargetMachine &machine, bool assembly,
                  llvm::raw_pwrite_stream &os, std::string &error);

/// Sets `error` to the context's first error from now on.
void captureErrors(llvm::LLVMContext &context, std::string &error);

/// Makes everything but `names` the module's own, and drops what nothing uses.
void keepOnly(llvm::Module &module, const llvm::StringSet<> &names);

//===-- Table.cpp -----------------------------------------------------------===//

/// What a table holds besides of one of the host program's functions.
struct VariantOptions {
  const Target &target;
  llvm::ArrayRef<ProfiledCall> calls;
  llvm::ArrayRef<PreparedTensor> prepared; ///< that the function takes last
  uint64_t weightsBytes;
};

/// Adds the functions through which the runtime calls one of the host program's, in a
/// table called `symbol`.
bool addVariantTable(llvm::Module &host, const ModelInterface &interface,
                     const VariantOptions &options, llvm::StringRef symbol, std::string &error);

/// What all tables of a library share.
struct TableOptions {
  llvm::ArrayRef<std::string> variants; ///< symbols of the first model's, to which others add
  llvm::StringRef target;               ///< that the library was made for
};

/// The models of a library: one, or those of a training, the train step first.
llvm::SmallVector<const ModelInterface *, 3> getModels(const ModelInterface &interface);

/// The symbol of a model's variant.
std::string variantSymbol(llvm::StringRef variant, const ModelInterface &interface);

/// Adds the table that describes the model, and that of its training if it is one's.
bool addModelTable(llvm::Module &host, const ModelInterface &interface, const TableOptions &options,
                   std::string &error);

/// The memory of a host's prepared tensors.
constexpr const char *preparedSymbol = "sinter_prepared";

//===-- Elf.cpp -------------------------------------------------------------===//

/// Writes an object that defines `sinter_weights`, streaming the bytes.
bool writeWeightsObject(const Weights &weights, const Target &target, llvm::StringRef path,
                        std::string &error);

/// Weights of more bytes than this lie beyond x86-64's 32-bit offsets.
constexpr uint64_t largeWeights = uint64_t(1) << 30;

uint64_t weightsSize(const Weights &weights);

/// The symbols that the objects need and none of them defines.
bool undefinedSymbols(llvm::ArrayRef<std::string> objects, std::vector<std::string> &names,
                      std::string &error);

/// Writes to `directory` libraries that define `names` in the place of libc and
/// libm, so that no sysroot is needed; appends their paths.
bool writeStubs(llvm::ArrayRef<std::string> names, const Target &target, llvm::StringRef directory,
                std::vector<std::string> &paths, std::string &error);

//===-- Lld.cpp -------------------------------------------------------------===//

/// Runs lld in this process.
bool runLinker(llvm::ArrayRef<std::string> arguments, std::string &error);

} // namespace sinter::native

#endif // SINTER_TARGETS_NATIVE_INTERNAL_H
