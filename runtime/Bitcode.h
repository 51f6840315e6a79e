//===- Bitcode.h - the runtime, as the compiler carries it ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is linked into every model, per processor, and the text of the C
// interface for the headers that the compiler writes.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_RUNTIME_BITCODE_H
#define SINTER_RUNTIME_BITCODE_H

#include <cstddef>
#include <string>

namespace sinter {

struct Embedded {
  const char *data = nullptr; ///< null: no such processor
  size_t size = 0;
};

/// Contexts, checks, threads, memory, as an object for the processor's base
/// instruction set. `arch` as in a triple: "x86_64", "aarch64".
Embedded runtimeObject(const std::string &arch);

/// The runtime's part for devices, which drives OpenCL and CUDA; for libraries with such a target.
Embedded deviceObject(const std::string &arch);

/// Bitcode of the kernels `sinter_k_*`, of which a model takes those that it calls.
Embedded kernelsBitcode(const std::string &arch);

/// The program that runs a library once (runtime/runner), for an emulator.
Embedded runnerProgram(const std::string &arch);

/// The text of sinter/model.h, and of sinter/train.h.
Embedded interfaceHeader();
Embedded trainingHeader();

} // namespace sinter

#endif // SINTER_RUNTIME_BITCODE_H
