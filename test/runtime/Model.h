//===- Model.h - builds, loads and runs the models of these tests ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_TEST_RUNTIME_MODEL_H
#define SINTER_TEST_RUNTIME_MODEL_H

#include "runtime/include/sinter/model.h"
#include "targets/native/Native.h"

#include <memory>
#include <string>
#include <vector>

namespace sinter::test {

/// The bytes of models/NAME.ll or of its bitcode.
std::string modelFile(const std::string &name);

/// A host program from models/; aborts the test if it cannot be read.
std::unique_ptr<llvm::Module> readHost(const std::string &name);

/// A model for one target.
std::vector<NativeVariant> single(std::unique_ptr<llvm::Module> host, const Target &target,
                                  std::vector<llvm::StringRef> kernels = {});

/// A float32 tensor with one dynamic dimension.
TensorInfo vector(const std::string &name, const std::string &dim, int32_t dtype = 1);

/// A folder that lasts as long as the test program.
std::string temporaryFile(const std::string &name);

/// A loaded library; unloaded at the end.
class Library {
public:
  explicit Library(const std::string &path);
  ~Library();
  const SinterModel *operator->() const { return model; }
  const SinterModel *model = nullptr;
  void *handle = nullptr;
  std::string error;
};

/// Emits a library for a target, or several, and loads it.
std::unique_ptr<Library> compile(const std::string &host, const ModelInterface &interface,
                                 const Weights &weights = {},
                                 const std::vector<std::string> &targets = {"host"},
                                 const NativeOptions &options = {},
                                 const std::vector<llvm::StringRef> &kernels = {});

/// A context; destroyed at the end.
class Context {
public:
  explicit Context(const Library &library, const SinterContextOptions *options = nullptr);
  ~Context();
  operator SinterContext *() const { return context; }
  std::string error() const { return model->last_error(context); }
  SinterContext *context = nullptr;

private:
  const SinterModel *model;
};

constexpr DLDataType float32 = {kDLFloat, 32, 1};

/// The caller's vector as a tensor; `shape` keeps its size.
struct Vector {
  explicit Vector(std::vector<float> given)
      : values(std::move(given)), shape{int64_t(values.size())} {}
  DLTensor tensor() { return sinter_tensor(values.data(), float32, 1, shape); }
  std::vector<float> values;
  int64_t shape[1];
};

/// Number of calls of the allocator by the whole process.
long allocations();

} // namespace sinter::test

#endif // SINTER_TEST_RUNTIME_MODEL_H
