//===- DeviceTest.cpp - libraries with kernels for a device ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// OpenCL's run where there is a device (PoCL's is the CPU); CUDA's calls go to Inputs/cuda.c.
//
//===----------------------------------------------------------------------===//

#include "test/runtime/Model.h"

#include "llvm/IR/Module.h"

#include "gtest/gtest.h"

#include <dlfcn.h>

using namespace sinter;
using namespace sinter::test;

static const float weightValues[] = {2, 3, 4, 5};

static std::unique_ptr<Library> compileFor(const std::string &program,
                                           const std::vector<std::string> &targets) {
  Weights weights;
  weights.chunks.push_back(
      {0, llvm::ArrayRef<char>(reinterpret_cast<const char *>(weightValues), sizeof weightValues)});
  return compile(program, {program, {vector("x", "n")}, {vector("y", "n")}}, weights, targets);
}

static std::vector<float> numbers(int count, float first) {
  std::vector<float> values(count);
  for (int i = 0; i < count; ++i)
    values[i] = first + float(i);
  return values;
}

static std::vector<float> expected(const std::vector<float> &x) {
  std::vector<float> y(x.size());
  for (size_t i = 0; i < x.size(); ++i)
    y[i] = (x[i] + 1) * weightValues[i % 4];
  if (y.size() >= 4 && y[0] < 0) {
    y[0] *= 2;
    std::swap(y[0], y[1]);
    std::swap(y[2], y[3]);
  }
  return y;
}

/// Runs on tensors of several sizes, into the caller's memory and into the library's.
static void checkRuns(const Library &model, const SinterContext *context) {
  auto *mutableContext = const_cast<SinterContext *>(context);
  for (int n : {5, 1, 64, 1000, 3})
    for (float first : {1.0f, -9.0f}) {
      Vector x(numbers(n, first)), y(std::vector<float>(n, 0.0f));
      DLTensor input = x.tensor(), output = y.tensor(), own = {};
      ASSERT_EQ(model->run(mutableContext, &input, 1, &output, 1), SINTER_OK)
          << model->last_error(context);
      EXPECT_EQ(y.values, expected(x.values)) << n;
      ASSERT_EQ(model->run(mutableContext, &input, 1, &own, 1), SINTER_OK);
      auto *data = static_cast<float *>(own.data);
      EXPECT_EQ(std::vector<float>(data, data + n), expected(x.values)) << n;
      // In place: not the output's memory until the input has been read.
      ASSERT_EQ(model->run(mutableContext, &input, 1, &input, 1), SINTER_OK);
      EXPECT_EQ(x.values, expected(numbers(n, first))) << n;
    }
  DLTensor empty = Vector({}).tensor(), none = {};
  int64_t zero = 0;
  empty.shape = &zero;
  EXPECT_EQ(model->run(mutableContext, &empty, 1, &none, 1), SINTER_OK)
      << model->last_error(context);
}

/// What `context_create` says when it refuses.
static std::string whyNot(const Library &model, SinterStatus expected,
                          SinterContextOptions options = {}) {
  char words[256];
  options.struct_size = sizeof options;
  options.error = words;
  options.error_bytes = sizeof words;
  SinterContext *none = nullptr;
  EXPECT_EQ(model->context_create(model.model, &options, &none), expected);
  EXPECT_EQ(none, nullptr);
  return words;
}

//===----------------------------------------------------------------------===//
// No device
//===----------------------------------------------------------------------===//

// Before those with a driver, which stays loaded.
TEST(NoDevice, SaysWhatIsNeeded) {
  if (void *real = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL)) {
    dlclose(real);
    GTEST_SKIP() << "there is a driver";
  }
  auto model = compileFor("device_cuda", {"x86-64+sm_80", "x86-64+sm_70"});
  EXPECT_EQ(whyNot(*model, SINTER_NO_DEVICE),
            "CUDA: libcuda.so.1: cannot open shared object file: No such file or directory");
  EXPECT_NE(std::string((*model)->status_text(SINTER_NO_DEVICE)).find("libcuda.so.1"),
            std::string::npos);
  // Cut to the caller's room; nothing is said of a version that is not needed.
  char words[8] = "before";
  SinterContextOptions options = {};
  options.struct_size = sizeof options;
  options.error = words;
  options.error_bytes = sizeof words;
  SinterContext *context = nullptr;
  EXPECT_EQ((*model)->context_create(model->model, &options, &context), SINTER_NO_DEVICE);
  EXPECT_STREQ(words, "CUDA: l");
  auto either = compileFor("device_cuda", {"x86-64+sm_80", "x86-64"});
  EXPECT_EQ((*either)->context_create(either->model, &options, &context), SINTER_OK);
  EXPECT_STREQ(words, "");
  EXPECT_STREQ((*either)->device_name(context), "");
  (*either)->context_destroy(context);
}

//===----------------------------------------------------------------------===//
// OpenCL
//===----------------------------------------------------------------------===//

class OpenCL : public testing::Test {
protected:
  void SetUp() override {
    library = compileFor("device_opencl", {"x86-64+opencl"});
    SinterStatus status = (*library)->context_create(library->model, nullptr, &context);
    if (status == SINTER_NO_DEVICE)
      GTEST_SKIP() << (*library)->status_text(status);
    ASSERT_EQ(status, SINTER_OK) << (*library)->status_text(status);
  }
  void TearDown() override { (*library)->context_destroy(context); }
  std::unique_ptr<Library> library;
  SinterContext *context = nullptr;
};

TEST_F(OpenCL, Runs) {
  EXPECT_STRNE((*library)->device_name(context), "");
  checkRuns(*library, context);
}

TEST_F(OpenCL, ContextsShareTheDevice) {
  Context second(*library);
  checkRuns(*library, second);
  checkRuns(*library, context);
}

TEST_F(OpenCL, WorkspaceOfTheCaller) {
  alignas(64) float workspace[64];
  ASSERT_EQ((*library)->set_workspace(context, workspace, sizeof workspace), SINTER_OK);
  Vector x(numbers(64, 1)), y(std::vector<float>(64));
  DLTensor input = x.tensor(), output = y.tensor();
  ASSERT_EQ((*library)->run(context, &input, 1, &output, 1), SINTER_OK);
  EXPECT_EQ(y.values, expected(x.values));
  ASSERT_EQ((*library)->set_workspace(context, nullptr, 0), SINTER_OK);
  checkRuns(*library, context);
}

TEST_F(OpenCL, NoSuchDevice) {
  SinterContextOptions options = {};
  options.device = 1000;
  EXPECT_EQ(whyNot(*library, SINTER_NO_DEVICE, options),
            "OpenCL: there is no device 1000 with shared virtual memory (OpenCL 2.0)");
}

//===----------------------------------------------------------------------===//
// CUDA
//===----------------------------------------------------------------------===//

/// A driver that is loaded already is the one that the runtime gets.
class Driver {
public:
  Driver() : handle(dlopen(SINTER_TEST_CUDA, RTLD_NOW | RTLD_LOCAL)) {
    if (!handle)
      std::abort();
    function<void()>("fakeCudaForget")();
    function<void(const char *, int)>("fakeCudaFail")("", 0);
  }
  ~Driver() { dlclose(handle); }
  template <typename F>
  F *function(const char *name) const {
    return reinterpret_cast<F *>(dlsym(handle, name));
  }
  void fail(const char *name, int code) const {
    function<void(const char *, int)>("fakeCudaFail")(name, code);
  }
  std::string calls() const { return function<const char *()>("fakeCudaCalls")(); }
  int depth() const { return function<int()>("fakeCudaDepth")(); }

private:
  void *handle;
};

static size_t count(const std::string &text, const std::string &word) {
  size_t found = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1))
    ++found;
  return found;
}

TEST(Cuda, RunsAndReleasesAll) {
  Driver driver;
  auto model = compileFor("device_cuda", {"x86-64+sm_80"});
  {
    Context context(*model);
    EXPECT_STREQ((*model)->device_name(context), "Fake 40");
    checkRuns(*model, context);
    Context second(*model);
    checkRuns(*model, second);
  }
  std::string calls = driver.calls();
  EXPECT_EQ(driver.depth(), 0);
  for (auto [get, give] : {std::pair{"cuMemAlloc", "cuMemFree"},
                           {"cuModuleLoadDataEx", "cuModuleUnload"},
                           {"cuStreamCreate", "cuStreamDestroy"},
                           {"cuDevicePrimaryCtxRetain", "cuDevicePrimaryCtxRelease"}}) {
    EXPECT_GE(count(calls, get), 1u) << get;
    EXPECT_EQ(count(calls, get), count(calls, give)) << get;
  }
  // The device's context is retained once, the kernel's PTX loaded once for both contexts, and
  // once more in each for the entry point whose blocks need fewer registers.
  EXPECT_EQ(count(calls, "cuDevicePrimaryCtxRetain"), 1u);
  EXPECT_EQ(count(calls, "cuModuleLoadDataEx"), 3u);
  EXPECT_EQ(count(calls, "registers=4096"), 2u);
  // More than 48 KB of shared memory is asked for.
  EXPECT_EQ(count(calls, "attribute8=65536"), 2u);
}

TEST(Cuda, TakesTensorsAndStreamOfTheDevice) {
  Driver driver;
  auto model = compileFor("device_cuda", {"x86-64+sm_80"});
  SinterContextOptions options = {};
  options.struct_size = sizeof options;
  options.stream = reinterpret_cast<void *>(1234);
  Context context(*model, &options);
  for (float first : {1.0f, -9.0f}) {
    // Memory of this device is the host's.
    Vector x(numbers(100, first)), y(std::vector<float>(100));
    DLTensor input = x.tensor(), output = y.tensor();
    input.device.device_type = output.device.device_type = kDLCUDA;
    ASSERT_EQ((*model)->run(context, &input, 1, &output, 1), SINTER_OK) << context.error();
    EXPECT_EQ(y.values, expected(x.values));
  }
  EXPECT_EQ(count(driver.calls(), "cuStreamCreate"), 0u);

  // They are used where they are: the host gets the one number that it looks at.
  Vector x(numbers(100, 1)), y(std::vector<float>(100)), z(std::vector<float>(100));
  DLTensor first = x.tensor(), second = y.tensor(), third = z.tensor();
  first.device.device_type = second.device.device_type = third.device.device_type = kDLCUDA;
  driver.function<void()>("fakeCudaForget")();
  ASSERT_EQ((*model)->run(context, &first, 1, &second, 1), SINTER_OK) << context.error();
  std::string calls = driver.calls();
  EXPECT_EQ(count(calls, "cuMemcpyHtoD"), 0u) << calls;
  EXPECT_EQ(count(calls, "cuMemcpyDtoH"), 1u) << calls;
  // The last run's output is an input; an output in the place of its input.
  ASSERT_EQ((*model)->run(context, &second, 1, &third, 1), SINTER_OK) << context.error();
  EXPECT_EQ(z.values, expected(expected(x.values)));
  ASSERT_EQ((*model)->run(context, &third, 1, &third, 1), SINTER_OK) << context.error();
  EXPECT_EQ(z.values, expected(expected(expected(x.values))));
  EXPECT_EQ(count(driver.calls(), "cuMemcpyHtoD"), 0u);
  // One on either side.
  Vector host(std::vector<float>(100));
  DLTensor result = host.tensor();
  ASSERT_EQ((*model)->run(context, &first, 1, &result, 1), SINTER_OK) << context.error();
  EXPECT_EQ(host.values, expected(x.values));
  ASSERT_EQ((*model)->run(context, &result, 1, &second, 1), SINTER_OK) << context.error();
  EXPECT_EQ(y.values, expected(host.values));
}

/// One run on tensors that stay; the driver's calls in it.
static std::string callsOfRun(const Driver &driver, const Library &model, SinterContext *context,
                              Vector &x, DLTensor input, DLTensor output, float first) {
  std::vector<float> values = numbers(int(x.values.size()), first);
  std::copy(values.begin(), values.end(), x.values.begin());
  driver.function<void()>("fakeCudaForget")();
  EXPECT_EQ(model->run(context, &input, 1, &output, 1), SINTER_OK) << model->last_error(context);
  auto *data = static_cast<float *>(output.data);
  EXPECT_EQ(std::vector<float>(data, data + values.size()), expected(values)) << first;
  return driver.calls();
}

TEST(Cuda, EqualRunsBecomeOneLaunch) {
  Driver driver;
  auto model = compileFor("device_cuda", {"x86-64+sm_80"});
  std::string all;
  {
    Context context(*model);
    // The host looks at no number of three.
    Vector x(numbers(3, 1)), y(std::vector<float>(3)), other(numbers(3, 1));
    for (bool onDevice : {false, true}) {
      DLTensor input = x.tensor(), output = y.tensor();
      if (onDevice)
        input.device.device_type = output.device.device_type = kDLCUDA;
      auto run = [&](float first) {
        std::string calls = callsOfRun(driver, *model, context, x, input, output, first);
        all += calls;
        return calls;
      };
      std::string calls = run(1);
      EXPECT_EQ(count(calls, "cuLaunchKernel"), 2u);
      EXPECT_EQ(count(calls, "Capture"), 0u);
      calls = run(2);
      EXPECT_EQ(count(calls, "cuStreamBeginCapture"), 1u);
      EXPECT_EQ(count(calls, "cuStreamEndCapture"), 1u);
      EXPECT_EQ(count(calls, "cuGraphLaunch"), 1u);
      for (float first : {3.0f, 4.0f}) {
        calls = run(first);
        EXPECT_EQ(count(calls, "cuLaunchKernel"), 0u);
        EXPECT_EQ(count(calls, "Capture"), 0u);
        EXPECT_EQ(count(calls, "cuGraphLaunch"), 1u);
        EXPECT_EQ(count(calls, "cuMemcpy"), onDevice ? 0u : 2u);
      }
      // Another address, and back: launches one by one.
      alignas(64) static float workspace[64];
      ASSERT_EQ((*model)->set_workspace(context, workspace, sizeof workspace), SINTER_OK);
      DLTensor elsewhere = other.tensor();
      calls = callsOfRun(driver, *model, context, other, elsewhere, output, 5);
      EXPECT_EQ(count(calls, "cuLaunchKernel"), 2u);
      all += calls;
      EXPECT_EQ(count(run(6), "cuLaunchKernel"), 2u);
      EXPECT_EQ(count(run(7), "cuGraphLaunch"), 1u);
      // The graph goes with the memory that it uses.
      driver.function<void()>("fakeCudaForget")();
      ASSERT_EQ((*model)->set_workspace(context, nullptr, 0), SINTER_OK);
      all += driver.calls();
      EXPECT_EQ(count(run(8), "cuLaunchKernel"), 2u);
    }
    // The library's own memory for the result.
    for (int i = 0; i < 4; ++i) {
      DLTensor input = x.tensor(), own = {};
      driver.function<void()>("fakeCudaForget")();
      ASSERT_EQ((*model)->run(context, &input, 1, &own, 1), SINTER_OK) << context.error();
      auto *data = static_cast<float *>(own.data);
      EXPECT_EQ(std::vector<float>(data, data + 3), expected(x.values));
      EXPECT_EQ(count(driver.calls(), "cuGraphLaunch"), i ? 1u : 0u);
      all += driver.calls();
    }
    // The host looks at the first of four: never captured.
    Vector four(numbers(4, 1)), result(std::vector<float>(4));
    for (int i = 0; i < 4; ++i)
      EXPECT_EQ(count(callsOfRun(driver, *model, context, four, four.tensor(), result.tensor(), 1),
                      "cuLaunchKernel"),
                2u);
    driver.function<void()>("fakeCudaForget")();
  }
  all += driver.calls();
  EXPECT_GE(count(all, "cuGraphInstantiate"), 4u);
  EXPECT_EQ(count(all, "cuGraphInstantiate"), count(all, "cuGraphDestroy"));

  SinterContextOptions options = {};
  options.struct_size = sizeof options;
  options.no_graph = 1;
  Context plain(*model, &options);
  Vector x(numbers(3, 1)), y(std::vector<float>(3));
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(
        count(callsOfRun(driver, *model, plain, x, x.tensor(), y.tensor(), 1), "cuLaunchKernel"),
        2u);
}

TEST(Cuda, GraphsThatFail) {
  Driver driver;
  auto model = compileFor("device_cuda", {"x86-64+sm_80"});
  Vector x(numbers(3, 1)), y(std::vector<float>(3));
  DLTensor input = x.tensor(), output = y.tensor();
  {
    // A stream that can't be captured.
    Context context(*model);
    driver.fail("cuStreamBeginCapture", 2);
    for (float first : {1.0f, 2.0f, 3.0f})
      callsOfRun(driver, *model, context, x, input, output, first);
    driver.fail("", 0);
  }
  for (const char *call :
       {"cuStreamEndCapture", "cuGraphInstantiateWithFlags", "cuGraphLaunch", "cuLaunchKernel"}) {
    Context context(*model);
    callsOfRun(driver, *model, context, x, input, output, 1);
    driver.fail(call, 2);
    EXPECT_EQ((*model)->run(context, &input, 1, &output, 1), SINTER_DEVICE_ERROR) << call;
    EXPECT_NE(context.error().find("out of memory (2)"), std::string::npos) << context.error();
    EXPECT_EQ(driver.depth(), 0);
    driver.fail("", 0);
    for (float first : {1.0f, 2.0f, 3.0f})
      callsOfRun(driver, *model, context, x, input, output, first);
  }
}

TEST(Cuda, Failures) {
  Driver driver;
  auto model = compileFor("device_cuda", {"x86-64+sm_80"});
  driver.fail("cuInit", 100);
  EXPECT_EQ(whyNot(*model, SINTER_NO_DEVICE), "CUDA: cuInit: a failure (100)");
  driver.fail("cuDevicePrimaryCtxRetain", 2);
  EXPECT_EQ(whyNot(*model, SINTER_DEVICE_ERROR),
            "CUDA: cuDevicePrimaryCtxRetain: out of memory (2)");
  driver.fail("cuStreamCreate", 2);
  EXPECT_EQ(whyNot(*model, SINTER_DEVICE_ERROR), "CUDA: cuStreamCreate: out of memory (2)");
  driver.fail("", 0);

  Context context(*model);
  Vector x(numbers(100, 1)), y(std::vector<float>(100));
  DLTensor input = x.tensor(), output = y.tensor();
  auto failsWith = [&](const char *call, const char *message) {
    driver.fail(call, 2);
    EXPECT_EQ((*model)->run(context, &input, 1, &output, 1), SINTER_DEVICE_ERROR);
    EXPECT_EQ(context.error(), message);
    EXPECT_EQ(driver.depth(), 0);
    driver.fail("", 0);
  };
  failsWith("cuMemAlloc", "model 'device_cuda': CUDA: cuMemAlloc: out of memory (2)");
  failsWith("cuModuleLoadDataEx", "model 'device_cuda': CUDA: cuModuleLoadDataEx: out of memory "
                                  "(2): ptxas: no 'kernel'");
  failsWith("cuLaunchKernel", "model 'device_cuda': CUDA: add: out of memory (2)");
  failsWith("cuStreamSynchronize",
            "model 'device_cuda': CUDA: cuStreamSynchronize: out of memory (2)");
  checkRuns(*model, context);
}

TEST(Cuda, NeedsTheCapability) {
  Driver driver;
  auto model = compileFor("device_cuda", {"x86-64+sm_90"});
  EXPECT_EQ(whyNot(*model, SINTER_NO_DEVICE), "CUDA: device 0, Fake 40, has compute capability "
                                              "8.6, and the model needs 9.0");
}
