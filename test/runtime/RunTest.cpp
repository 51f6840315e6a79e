//===- RunTest.cpp - compiled libraries do what they say ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/runtime/Model.h"

#include "llvm/IR/Module.h"

#include "gtest/gtest.h"

#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <thread>

using namespace sinter;
using namespace sinter::test;

static ModelInterface addOneInterface(const std::string &name = "add_one") {
  return {name, {vector("x", "n")}, {vector("y", "n")}};
}

static const Library &addOne() {
  static auto library = compile("add_one", addOneInterface());
  return *library;
}

static const Library &parallel() {
  static auto library = compile("parallel", addOneInterface("parallel"));
  return *library;
}

TEST(Run, TableDescribesTheModel) {
  const Library &model = addOne();
  EXPECT_EQ(model->abi_version, uint32_t(SINTER_ABI_VERSION));
  EXPECT_EQ(model->struct_size, sizeof(SinterModel));
  EXPECT_STREQ(model->name, "add_one");
  ASSERT_EQ(model->input_count, 1);
  ASSERT_EQ(model->output_count, 1);
  EXPECT_STREQ(model->inputs[0].name, "x");
  EXPECT_EQ(model->inputs[0].rank, 1);
  EXPECT_EQ(model->inputs[0].dims[0], -1);
  EXPECT_STREQ(model->inputs[0].dim_names[0], "n");
  EXPECT_EQ(model->inputs[0].dtype.bits, 32);
}

TEST(Run, FillsInAnOutputWithoutMemory) {
  Context context(addOne());
  Vector x({1, 2, 3});
  DLTensor input = x.tensor(), output = {};
  ASSERT_EQ(addOne()->run(context, &input, 1, &output, 1), SINTER_OK) << context.error();
  ASSERT_EQ(output.ndim, 1);
  EXPECT_EQ(output.shape[0], 3);
  EXPECT_EQ(output.strides[0], 1);
  EXPECT_EQ(output.dtype.code, kDLFloat);
  EXPECT_EQ(static_cast<float *>(output.data)[2], 4.0f);

  // The same struct again, with a larger input: the workspace has moved.
  Vector larger(std::vector<float>(100000, 5.0f));
  input = larger.tensor();
  ASSERT_EQ(addOne()->run(context, &input, 1, &output, 1), SINTER_OK) << context.error();
  EXPECT_EQ(output.shape[0], 100000);
  EXPECT_EQ(static_cast<float *>(output.data)[99999], 6.0f);
}

TEST(Run, CopiesIntoTheCallersMemory) {
  Context context(addOne());
  Vector x({1, 2, 3}), y({0, 0, 0});
  DLTensor input = x.tensor(), output = y.tensor();
  ASSERT_EQ(addOne()->run(context, &input, 1, &output, 1), SINTER_OK);
  EXPECT_EQ(y.values, (std::vector<float>{2, 3, 4}));
}

TEST(Run, HonoursByteOffsetAndEmptyTensors) {
  Context context(addOne());
  Vector x({1, 2, 3}), y({0, 0});
  DLTensor input = x.tensor(), output = y.tensor();
  int64_t two = 2, zero = 0;
  input.byte_offset = 4;
  input.shape = &two;
  ASSERT_EQ(addOne()->run(context, &input, 1, &output, 1), SINTER_OK);
  EXPECT_EQ(y.values, (std::vector<float>{3, 4}));

  input = sinter_tensor(nullptr, float32, 1, &zero);
  output = {};
  ASSERT_EQ(addOne()->run(context, &input, 1, &output, 1), SINTER_OK);
  EXPECT_EQ(output.shape[0], 0);
}

TEST(Run, TwoModelsInOneProcess) {
  auto one = compile("add_one", addOneInterface("one"));
  const Library &two = parallel();
  EXPECT_STREQ((*one)->name, "one");
  EXPECT_STREQ(two->name, "parallel");
  Context contextOne(*one), contextTwo(two);
  Vector x({5}), y({0});
  DLTensor input = x.tensor(), output = y.tensor();
  ASSERT_EQ((*one)->run(contextOne, &input, 1, &output, 1), SINTER_OK);
  EXPECT_EQ(y.values[0], 6);
  ASSERT_EQ(two->run(contextTwo, &input, 1, &output, 1), SINTER_OK);
  EXPECT_EQ(y.values[0], 10);
}

TEST(Run, WorkspaceOfTheCaller) {
  Context context(addOne());
  Vector x(std::vector<float>(100, 1.0f));
  DLTensor input = x.tensor(), output = {};
  size_t bytes = 0;
  ASSERT_EQ(addOne()->workspace_size(context, &input, 1, &bytes), SINTER_OK);
  EXPECT_EQ(bytes, 400u);
  alignas(64) static char memory[400];
  EXPECT_EQ(addOne()->set_workspace(context, memory + 4, 396), SINTER_MISALIGNED);
  ASSERT_EQ(addOne()->set_workspace(context, memory, 399), SINTER_OK);
  EXPECT_EQ(addOne()->run(context, &input, 1, &output, 1), SINTER_WORKSPACE_TOO_SMALL);
  EXPECT_EQ(context.error(), "workspace: expected at least 400 bytes for inputs "
                             "of these shapes, given 399");
  ASSERT_EQ(addOne()->set_workspace(context, memory, 400), SINTER_OK);
  ASSERT_EQ(addOne()->run(context, &input, 1, &output, 1), SINTER_OK);
  EXPECT_EQ(output.data, memory);
}

TEST(Run, AllocatesNothingOnceItHasRun) {
  for (const Library *library : {&addOne(), &parallel()}) {
    SinterContextOptions options = {};
    options.struct_size = sizeof options;
    options.threads = 2;
    Context context(*library, &options);
    Vector x(std::vector<float>(64, 1.0f)), y(std::vector<float>(64, 0.0f));
    DLTensor input = x.tensor(), output = y.tensor();
    // Workers meet their first task, and their scratch memory settles.
    for (int i = 0; i < 20; ++i)
      ASSERT_EQ((*library)->run(context, &input, 1, &output, 1), SINTER_OK);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    for (int i = 0; i < 200; ++i)
      ASSERT_EQ((*library)->run(context, &input, 1, &output, 1), SINTER_OK);
    long before = allocations();
    for (int i = 0; i < 200; ++i)
      (*library)->run(context, &input, 1, &output, 1);
    EXPECT_EQ(allocations() - before, 0) << (*library)->name;
  }
}

TEST(Run, PrepareAllocatesTheWorkspace) {
  Context context(addOne());
  Vector x({1, 2, 3}), y({0, 0, 0});
  DLTensor input = x.tensor(), output = y.tensor();
  ASSERT_EQ(addOne()->prepare(context, &input, 1), SINTER_OK);
  long before = allocations();
  ASSERT_EQ(addOne()->run(context, &input, 1, &output, 1), SINTER_OK);
  EXPECT_EQ(allocations() - before, 0);
}

TEST(Run, CallersAllocator) {
  struct Counts {
    size_t live = 0;
    bool fail = false;
  } counts;
  SinterContextOptions options = {};
  options.struct_size = sizeof options;
  options.allocator_user = &counts;
  options.allocate = [](void *user, size_t bytes, size_t alignment) -> void * {
    auto *counts = static_cast<Counts *>(user);
    if (counts->fail)
      return nullptr;
    counts->live += bytes;
    return aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  };
  options.deallocate = [](void *user, void *memory, size_t bytes) {
    static_cast<Counts *>(user)->live -= bytes;
    free(memory);
  };
  {
    Context context(parallel(), &options);
    Vector x({1, 2, 3});
    DLTensor input = x.tensor(), output = {};
    counts.fail = true;
    EXPECT_EQ(parallel()->run(context, &input, 1, &output, 1), SINTER_OUT_OF_MEMORY);
    ASSERT_EQ(parallel()->prepare(context, &input, 1), SINTER_OUT_OF_MEMORY);
    counts.fail = false;
    ASSERT_EQ(parallel()->prepare(context, &input, 1), SINTER_OK);
    counts.fail = true; // now the kernel's scratch memory fails
    EXPECT_EQ(parallel()->run(context, &input, 1, &output, 1), SINTER_OUT_OF_MEMORY);
    EXPECT_EQ(context.error(), "model 'parallel': out of memory");
    counts.fail = false;
    EXPECT_EQ(parallel()->run(context, &input, 1, &output, 1), SINTER_OK);
    EXPECT_GT(counts.live, 0u);
  }
  EXPECT_EQ(counts.live, 0u);
}

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

TEST(Threads, GiveTheSameResult) {
  for (int32_t threads : {1, 2, 3, 8}) {
    SinterContextOptions options = {};
    options.struct_size = sizeof options;
    options.threads = threads;
    Context context(parallel(), &options);
    for (int64_t n : {1, 2, 7, 100, 5000}) {
      std::vector<float> values(n);
      for (int64_t i = 0; i < n; ++i)
        values[i] = float(i);
      Vector x(values);
      DLTensor input = x.tensor(), output = {};
      ASSERT_EQ(parallel()->run(context, &input, 1, &output, 1), SINTER_OK);
      for (int64_t i = 0; i < n; ++i)
        ASSERT_EQ(static_cast<float *>(output.data)[i], 2 * float(i));
    }
  }
}

TEST(Threads, ManyJobsOneAfterTheOther) {
  SinterContextOptions options = {};
  options.struct_size = sizeof options;
  options.threads = 4;
  Context context(parallel(), &options);
  Vector x(std::vector<float>(9, 1.0f));
  DLTensor input = x.tensor();
  for (int i = 0; i < 20000; ++i) {
    DLTensor output = {};
    ASSERT_EQ(parallel()->run(context, &input, 1, &output, 1), SINTER_OK);
    ASSERT_EQ(static_cast<float *>(output.data)[8], 2.0f);
    if (i % 1000 == 0) // let the workers fall asleep
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

TEST(Threads, ParallelForOfTheCaller) {
  struct Calls {
    int64_t calls = 0, tasks = 0;
  } calls;
  SinterContextOptions options = {};
  options.struct_size = sizeof options;
  options.threads = 3;
  options.parallel_user = &calls;
  options.parallel_for = [](void *user, void (*task)(void *, int64_t), void *closure,
                            int64_t count) {
    static_cast<Calls *>(user)->calls++;
    static_cast<Calls *>(user)->tasks += count;
    std::vector<std::thread> threads;
    for (int64_t i = 0; i < count; ++i)
      threads.emplace_back(task, closure, i);
    for (std::thread &thread : threads)
      thread.join();
  };
  Context context(parallel(), &options);
  Vector x(std::vector<float>(100, 3.0f)), y(std::vector<float>(100, 0.0f));
  DLTensor input = x.tensor(), output = y.tensor();
  ASSERT_EQ(parallel()->run(context, &input, 1, &output, 1), SINTER_OK);
  EXPECT_EQ(y.values, std::vector<float>(100, 6.0f));
  EXPECT_EQ(calls.calls, 1);
  EXPECT_EQ(calls.tasks, 3);
}

TEST(Threads, OneContextPerThread) {
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      Context context(parallel());
      Vector x(std::vector<float>(50, float(t)));
      DLTensor input = x.tensor();
      for (int i = 0; i < 200; ++i) {
        DLTensor output = {};
        if (parallel()->run(context, &input, 1, &output, 1) == SINTER_OK &&
            static_cast<float *>(output.data)[49] == 2.0f * t)
          ++good;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(good, 800);
}

TEST(Threads, FailureInATaskEndsTheRun) {
  for (int32_t threads : {1, 4}) {
    SinterContextOptions options = {};
    options.struct_size = sizeof options;
    options.threads = threads;
    Context context(parallel(), &options);
    std::vector<float> values(500, 1.0f);
    values[321] = -1;
    Vector bad(values), good(std::vector<float>(500, 1.0f));
    for (int i = 0; i < 50; ++i) {
      DLTensor input = bad.tensor(), output = {};
      ASSERT_EQ(parallel()->run(context, &input, 1, &output, 1), SINTER_MODEL_ERROR);
      EXPECT_EQ(context.error(), "model 'parallel': x is negative");
      input = good.tensor();
      ASSERT_EQ(parallel()->run(context, &input, 1, &output, 1), SINTER_OK);
      EXPECT_EQ(static_cast<float *>(output.data)[321], 2.0f);
    }
  }
}

//===----------------------------------------------------------------------===//
// Parts of a model
//===----------------------------------------------------------------------===//

TEST(Parts, SizesThatDependOnData) {
  ModelInterface interface {
    "nonzero", {vector("x", "n")}, {}
  };
  TensorInfo y;
  y.name = "y";
  y.dtype = 7;
  y.dims = {1, -1};
  interface.outputs = {y};
  auto model = compile("nonzero", interface);
  Context context(*model);
  Vector x({0, 1, 0, std::nanf(""), 5, 0});
  DLTensor input = x.tensor(), output = {};
  ASSERT_EQ((*model)->run(context, &input, 1, &output, 1), SINTER_OK);
  ASSERT_EQ(output.shape[1], 3);
  const auto *indices = static_cast<int64_t *>(output.data);
  EXPECT_EQ(indices[0], 1);
  EXPECT_EQ(indices[1], 3);
  EXPECT_EQ(indices[2], 4);

  // The caller's memory has another size than what comes out.
  int64_t buffer[4], shape[] = {1, 4};
  output = sinter_tensor(buffer, {kDLInt, 64, 1}, 2, shape);
  EXPECT_EQ((*model)->run(context, &input, 1, &output, 1), SINTER_INVALID_SHAPE);
  EXPECT_EQ(context.error(), "output 'y': expected shape (1, 3), given (1, 4)");
}

TEST(Parts, WeightsAndResultsInPlace) {
  TensorInfo x, last;
  x.name = "x";
  x.dims = {4};
  TensorInfo y = x;
  y.name = "y";
  last.name = "last";
  last.dims = {1};
  const float first[] = {1, 2, 3, 4}, far = 99;
  Weights weights;
  weights.chunks.push_back({0, {reinterpret_cast<const char *>(first), sizeof first}});
  weights.chunks.push_back({1 << 20, {reinterpret_cast<const char *>(&far), sizeof far}});
  auto model = compile("weights", {"weights", {x}, {y, last}}, weights);
  Context context(*model);
  Vector input({10, 20, 30, 40}), result({0, 0, 0, 0});
  DLTensor inputs[] = {input.tensor()}, outputs[] = {result.tensor(), {}};
  ASSERT_EQ((*model)->run(context, inputs, 1, outputs, 2), SINTER_OK);
  EXPECT_EQ(result.values, (std::vector<float>{11, 22, 33, 44}));
  EXPECT_EQ(*static_cast<float *>(outputs[1].data), 99.0f);
  EXPECT_EQ(uintptr_t(outputs[1].data) % 64, 0u);

  // In place: the output is the input's memory.
  outputs[0] = input.tensor();
  ASSERT_EQ((*model)->run(context, inputs, 1, outputs, 2), SINTER_OK);
  EXPECT_EQ(input.values, (std::vector<float>{11, 22, 33, 44}));
}

TEST(Parts, HalfWithoutInstructions) {
  for (const char *target : {"x86-64-v2", "host"}) {
    ModelInterface interface {
      "half", {vector("x", "n")}, { vector("y", "n", 10), vector("z", "n"), vector("b", "n", 16) }
    };
    auto model = compile("half", interface, {}, {target});
    Context context(*model);
    float infinity = std::numeric_limits<float>::infinity();
    Vector x({0.0f, -0.0f, 1.0f, 65504.0f, 65519.0f, 65520.0f, 1e-7f, 5.9e-8f, 2.9e-8f, 6.1e-5f,
              6.097e-5f, 1.00048828125f, 1.0014648f, infinity, -infinity, std::nanf(""), 1e-40f,
              3.4e38f});
    DLTensor input = x.tensor(), outputs[3] = {};
    ASSERT_EQ((*model)->run(context, &input, 1, outputs, 3), SINTER_OK);
    const auto *half = static_cast<uint16_t *>(outputs[0].data);
    const auto *again = static_cast<float *>(outputs[1].data);
    const auto *brain = static_cast<uint16_t *>(outputs[2].data);
    for (size_t i = 0; i < x.values.size(); ++i) {
      _Float16 expected = static_cast<_Float16>(x.values[i]);
      uint16_t bits;
      std::memcpy(&bits, &expected, 2);
      // bfloat16 is the upper half of a float32, rounded to even.
      uint32_t word;
      std::memcpy(&word, &x.values[i], 4);
      uint16_t brainBits = (word + 0x7fff + (word >> 16 & 1)) >> 16;
      EXPECT_EQ(half[i], bits) << x.values[i] << " on " << target;
      if (!std::isnan(x.values[i])) {
        EXPECT_EQ(again[i], float(expected)) << x.values[i];
        // AVX512-BF16 takes subnormals for zero.
        if (std::fabs(x.values[i]) > 1e-37f)
          EXPECT_EQ(brain[i], brainBits) << x.values[i] << " on " << target;
      } else {
        EXPECT_TRUE(std::isnan(again[i]));
      }
    }
  }
}

/// A CPU that lacks what a version needs: the next one, or a status.
TEST(Parts, VersionsForCPUs) {
  Target host, future;
  std::string error;
  ASSERT_TRUE(lookupTarget("host", host, error)) << error;
  future = host;
  // What no CPU has: a leaf of CPUID that is far beyond the last; the last bit of AT_HWCAP2.
  future.requirements = {{host.family == "x86" ? 0x7ffffff0u : 26u, 0, 1, 1u << 31}};
  for (bool both : {true, false}) {
    std::vector<NativeVariant> variants;
    variants.push_back({future, readHost("add_one"), {}, {}});
    if (both)
      variants.push_back({host, readHost("add_one"), {}, {}});
    std::string path = temporaryFile(both ? "both.so" : "future.so");
    ASSERT_TRUE(emitNative(std::move(variants), addOneInterface("versions"), {}, {}, path, error))
        << error;
    Library library(path);
    ASSERT_TRUE(library.model) << library.error;
    SinterContext *context = nullptr;
    SinterStatus status = library.model->context_create(library.model, nullptr, &context);
    EXPECT_EQ(status, both ? SINTER_OK : SINTER_UNSUPPORTED_CPU);
    if (!both) {
      EXPECT_STREQ(library.model->status_text(status),
                   "this CPU lacks instructions that the model was compiled for");
      continue;
    }
    Vector x({1, 2, 3});
    DLTensor input = x.tensor(), output = {};
    EXPECT_EQ(library.model->run(context, &input, 1, &output, 1), SINTER_OK);
    library.model->context_destroy(context);
  }
}

TEST(Parts, KernelsFromBitcode) {
  Target target;
  std::string first, second, error;
  ASSERT_TRUE(lookupTarget("host", target, error)) << error;
  ASSERT_TRUE(compileKernel(modelFile("kernel_first"), "kernel_1", target, 3, first, error))
      << error;
  ASSERT_TRUE(compileKernel(modelFile("kernel_second"), "kernel_2", target, 3, second, error))
      << error;
  for (unsigned threads : {1u, 2u}) {
    NativeOptions options;
    options.threads = threads;
    auto model =
        compile("kernel_host", addOneInterface("kernels"), {}, {"host"}, options, {first, second});
    Context context(*model);
    Vector x({1, 2, 3});
    DLTensor input = x.tensor(), output = {};
    ASSERT_EQ((*model)->run(context, &input, 1, &output, 1), SINTER_OK);
    EXPECT_EQ(static_cast<float *>(output.data)[2], 8.0f);
  }
}
