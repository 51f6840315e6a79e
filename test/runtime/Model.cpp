//===- Model.cpp - builds, loads and runs the models of these tests -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/runtime/Model.h"

#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/IRReader/IRReader.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

#include "gtest/gtest.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <unistd.h>

using namespace sinter;

//===----------------------------------------------------------------------===//
// Counting allocations: the program's allocator takes every library's calls.
//===----------------------------------------------------------------------===//

static std::atomic<long> allocated;

extern "C" {
void *__libc_malloc(size_t);
void *__libc_memalign(size_t, size_t);
void *__libc_calloc(size_t, size_t);

__attribute__((visibility("default"))) void *malloc(size_t bytes) {
  ++allocated;
  return __libc_malloc(bytes);
}

__attribute__((visibility("default"))) void *calloc(size_t n, size_t bytes) {
  ++allocated;
  return __libc_calloc(n, bytes);
}

__attribute__((visibility("default"))) int posix_memalign(void **memory, size_t alignment,
                                                          size_t bytes) {
  ++allocated;
  *memory = __libc_memalign(alignment, bytes);
  return *memory ? 0 : 12;
}
}

long test::allocations() { return allocated; }

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

std::string test::modelFile(const std::string &name) {
  std::string path = name == "add_one" ? std::string(SINTER_TEST_MODELS) + "/add_one.ll"
                                       : std::string(SINTER_TEST_BITCODE) + "/" + name + ".bc";
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    std::abort();
  }
  return (*buffer)->getBuffer().str();
}

std::unique_ptr<llvm::Module> test::readHost(const std::string &name) {
  // Modules do not own their context; these few live as long as the program.
  auto *context = new llvm::LLVMContext;
  std::string bytes = modelFile(name);
  llvm::SMDiagnostic diagnostic;
  auto module = llvm::parseIR(llvm::MemoryBufferRef(bytes, name), diagnostic, *context);
  if (!module) {
    diagnostic.print("test", llvm::errs());
    std::abort();
  }
  return module;
}

std::vector<NativeVariant> test::single(std::unique_ptr<llvm::Module> host, const Target &target,
                                        std::vector<llvm::StringRef> kernels) {
  std::vector<NativeVariant> variants(1);
  variants[0] = {target, std::move(host), std::move(kernels)};
  return variants;
}

static std::string folder() {
  struct Folder {
    Folder() {
      char name[] = "/tmp/sinter-test-XXXXXX";
      path = mkdtemp(name);
    }
    ~Folder() {
      std::error_code error;
      std::filesystem::remove_all(path, error);
      if (error)
        std::fprintf(stderr, "cannot remove %s: %s\n", path.c_str(), error.message().c_str());
    }
    std::string path;
  };
  static Folder folder;
  return folder.path;
}

std::string test::temporaryFile(const std::string &name) { return folder() + "/" + name; }

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

TensorInfo test::vector(const std::string &name, const std::string &dim, int32_t dtype) {
  TensorInfo info;
  info.name = name;
  info.dtype = dtype;
  info.dims = {-1};
  info.dimNames = {dim};
  return info;
}

test::Library::Library(const std::string &path) {
  handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    error = dlerror();
    return;
  }
  auto function = reinterpret_cast<SinterModelFunction>(dlsym(handle, "sinter_model"));
  if (function)
    model = function();
  else
    error = "no sinter_model";
}

test::Library::~Library() {
  if (handle)
    dlclose(handle);
}

std::unique_ptr<test::Library>
test::compile(const std::string &host, const ModelInterface &interface, const Weights &weights,
              const std::vector<std::string> &targets, const NativeOptions &options,
              const std::vector<llvm::StringRef> &kernels) {
  static int count = 0;
  std::string error;
  std::vector<NativeVariant> variants;
  for (const std::string &name : targets) {
    Target target;
    if (!lookupTarget(name, target, error)) {
      ADD_FAILURE() << error;
      std::abort();
    }
    variants.push_back({target, readHost(host), kernels});
  }
  std::string path = temporaryFile(host + std::to_string(count++) + ".so");
  if (!emitNative(std::move(variants), interface, weights, options, path, error)) {
    ADD_FAILURE() << error;
    std::abort();
  }
  auto library = std::make_unique<Library>(path);
  if (!library->model) {
    ADD_FAILURE() << library->error;
    std::abort();
  }
  return library;
}

test::Context::Context(const Library &library, const SinterContextOptions *options)
    : model(library.model) {
  SinterStatus status = model->context_create(model, options, &context);
  EXPECT_EQ(status, SINTER_OK) << model->status_text(status);
}

test::Context::~Context() { model->context_destroy(context); }
