//===- Emulator.h - runs libraries for other processors ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_COMPILER_DRIVER_EMULATOR_H
#define SINTER_COMPILER_DRIVER_EMULATOR_H

#include "compiler/driver/Library.h"
#include "targets/Target.h"
#include <optional>

namespace sinter::driver {

/// The family of another processor than this machine's that a library is for;
/// nothing if it is this machine's, or no library.
std::optional<FamilyDescription> foreignFamily(const std::string &library);

/// Runs a library under its family's emulator, one process a run: the request
/// goes in as a file and the results come back as one (runtime/runner).
class Emulator : public Executor {
public:
  ~Emulator() override;
  bool open(const FamilyDescription &family, const std::string &library, int32_t threads,
            std::string &error);
  bool run(llvm::ArrayRef<nn::HostTensor> inputs, std::vector<NamedTensor> &outputs,
           mlir::MLIRContext &context, std::string &error) override;

private:
  std::string file(llvm::StringRef name) const { return folder + "/" + name.str(); }

  FamilyDescription family;
  std::string emulator, library, folder;
  int32_t threads = 0;
};

} // namespace sinter::driver

#endif // SINTER_COMPILER_DRIVER_EMULATOR_H
