//===- Library.h - a compiled model, opened ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_COMPILER_DRIVER_LIBRARY_H
#define SINTER_COMPILER_DRIVER_LIBRARY_H

#include "dialects/nn/HostTensor.h"
#include "mlir/IR/MLIRContext.h"
#include "runtime/include/sinter/model.h"
#include "runtime/include/sinter/profile.h"
#include <string>
#include <vector>

namespace sinter::driver {

/// A tensor read from a file.
struct NamedTensor {
  std::string name; ///< empty if the file has none
  nn::HostTensor tensor;
};

/// Reads .npy, or .pb (an ONNX TensorProto). On failure false and `error`.
bool readTensor(const std::string &path, mlir::MLIRContext &context, NamedTensor &tensor,
                std::string &error);
/// Writes .npy.
bool writeNpy(const std::string &path, const nn::HostTensor &tensor, std::string &error);

/// Something that runs a compiled library.
class Executor {
public:
  virtual ~Executor() = default;
  /// Runs once; `outputs` are copies.
  virtual bool run(llvm::ArrayRef<nn::HostTensor> inputs, std::vector<NamedTensor> &outputs,
                   mlir::MLIRContext &context, std::string &error) = 0;
};

/// dlopen and one context.
class Library : public Executor {
public:
  ~Library() override;
  /// `load`, then `createContext`.
  bool open(const std::string &path, int32_t threadCount, std::string &error);
  bool load(const std::string &path, std::string &error);
  /// In place of the one that there is, if any.
  bool createContext(int32_t threadCount, std::string &error);
  void destroyContext();

  const SinterModel &getModel() const { return *model; }
  SinterContext *getContext() const { return context; }
  /// As its driver calls it; empty where the CPU runs all kernels.
  std::string getDeviceName() const { return model->device_name(context); }
  /// Null in a library that was compiled without --profile.
  SinterProfileFunction getProfile() const;

  bool run(llvm::ArrayRef<nn::HostTensor> inputs, std::vector<NamedTensor> &outputs,
           mlir::MLIRContext &context, std::string &error) override;

private:
  void *handle = nullptr;
  std::string file;
  int32_t threads = 0;
  const SinterModel *model = nullptr;
  SinterContext *context = nullptr;
};

DLDataType toDLDataType(mlir::Type elementType);
mlir::Type fromDLDataType(DLDataType type, mlir::MLIRContext &context);
/// A view of a host tensor; `tensor` must outlive it.
DLTensor toDLTensor(const nn::HostTensor &tensor);
/// "float32[1,3,224,224]"
std::string describe(DLDataType type, llvm::ArrayRef<int64_t> shape);

/// Sizes of dynamic dims, by their names or by INPUT:POSITION.
using Dims = std::vector<std::pair<std::string, int64_t>>;

/// Inputs of the model's shapes, with numbers as a model may see them. False, and `error`, if a
/// size is not known.
bool makeInputs(const SinterModel &model, const Dims &dims, mlir::MLIRContext &context,
                std::vector<nn::HostTensor> &inputs, std::string &error);

/// Orders files given as FILE or NAME=FILE by the model's inputs.
bool readInputs(const SinterModel &model, const std::vector<std::string> &files,
                mlir::MLIRContext &context, std::vector<nn::HostTensor> &inputs,
                std::string &error);

} // namespace sinter::driver

#endif // SINTER_COMPILER_DRIVER_LIBRARY_H
