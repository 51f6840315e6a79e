//===- Run.cpp - sinter run -----------------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/driver/Commands.h"
#include "compiler/driver/Emulator.h"
#include "compiler/driver/Library.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::driver;

// "y: float32[1,10]  min -1.2  mean 0.03  max 4.5"
static void summarize(StringRef name, DLDataType type, const nn::HostTensor &tensor) {
  llvm::outs() << name << ": " << describe(type, tensor.getShape());
  int64_t count = tensor.getNumElements();
  if (count > 0) {
    double least = tensor.getDouble(0), greatest = least, sum = 0;
    for (int64_t i = 0; i < count; ++i) {
      double value = tensor.getDouble(i);
      least = std::min(least, value);
      greatest = std::max(greatest, value);
      sum += value;
    }
    llvm::outs() << llvm::format("  min %.6g  mean %.6g  max %.6g", least, sum / count, greatest);
  }
  llvm::outs() << '\n';
}

/// Here. The library knows the names of its inputs and what each takes.
static bool runHere(const RunArguments &arguments, MLIRContext &context,
                    std::vector<NamedTensor> &outputs, std::string &error) {
  Library library;
  std::vector<nn::HostTensor> inputs;
  return library.open(arguments.library, arguments.threads, error) &&
         readInputs(library.getModel(), arguments.inputs, context, inputs, error) &&
         library.run(inputs, outputs, context, error);
}

/// Under the emulator of the library's processor, with the inputs in the model's order.
static bool runElsewhere(const RunArguments &arguments, const FamilyDescription &family,
                         MLIRContext &context, std::vector<NamedTensor> &outputs,
                         std::string &error) {
  Emulator emulator;
  if (!emulator.open(family, arguments.library, arguments.threads, error))
    return false;
  std::vector<nn::HostTensor> inputs;
  for (const std::string &file : arguments.inputs) {
    if (file.find('=') != std::string::npos && !llvm::sys::fs::exists(file)) {
      error =
          "'" + file + "': a library for " + family.arch +
          " can't be asked here for the names of its inputs; give the files in the model's order";
      return false;
    }
    NamedTensor tensor;
    if (!readTensor(file, context, tensor, error))
      return false;
    inputs.push_back(tensor.tensor);
  }
  llvm::errs() << arguments.library << " is for " << family.arch << ": it runs under "
               << family.emulator << '\n';
  return emulator.run(inputs, outputs, context, error);
}

int sinter::driver::run(const RunArguments &arguments) {
  auto fail = [](const std::string &message) {
    llvm::errs() << "error: " << message << '\n';
    return ModelFault;
  };
  MLIRContext context(MLIRContext::Threading::DISABLED);
  std::string error;
  std::vector<NamedTensor> outputs;
  auto family = foreignFamily(arguments.library);
  if (family ? !runElsewhere(arguments, *family, context, outputs, error)
             : !runHere(arguments, context, outputs, error))
    return fail(error);
  const std::string &folder = arguments.outputDirectory;
  if (!folder.empty())
    if (std::error_code code = llvm::sys::fs::create_directories(folder))
      return fail("can't make folder " + folder + ": " + code.message());
  if (!folder.empty() && !llvm::sys::fs::is_directory(folder))
    return fail("can't make folder " + folder + ": it is a file");
  for (const NamedTensor &output : outputs) {
    summarize(output.name, toDLDataType(output.tensor.getElementType()), output.tensor);
    if (folder.empty())
      continue;
    std::string file = output.name;
    for (char &c : file)
      if (c == '/' || c == '\\')
        c = '_';
    if (!writeNpy((Twine(folder) + "/" + file + ".npy").str(), output.tensor, error))
      return fail(error);
  }
  return Good;
}
