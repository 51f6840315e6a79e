//===- main.cpp - several threads share one model -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   c++ -std=c++17 main.cpp -I ../../runtime/include -ldl -pthread -o serve
//   ./serve model.so [DIMENSION=SIZE ...]
//
// The table and the weights are shared; each thread has a context of its own.
//
//===----------------------------------------------------------------------===//

#include "sinter/model.h"

#include <chrono>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

/// A context that ends with its scope, and whose failures are exceptions.
class Session {
public:
  Session(const SinterModel *model, int threads) : model(model) {
    SinterContextOptions options = {};
    options.struct_size = sizeof options;
    options.threads = threads;
    SinterContext *created = nullptr;
    if (SinterStatus status = model->context_create(model, &options, &created))
      throw std::runtime_error(model->status_text(status));
    context = {created, model->context_destroy};
  }

  /// The outputs hold until the next run.
  std::vector<DLTensor> run(const std::vector<DLTensor> &inputs) {
    std::vector<DLTensor> outputs(model->output_count);
    if (model->run(context.get(), inputs.data(), int32_t(inputs.size()), outputs.data(),
                   int32_t(outputs.size())))
      throw std::runtime_error(model->last_error(context.get()));
    return outputs;
  }

private:
  const SinterModel *model;
  std::unique_ptr<SinterContext, void (*)(SinterContext *)> context{nullptr,
                                                                    [](SinterContext *) {}};
};

/// Zeros of the shape that an input declares.
struct Input {
  Input(const SinterTensorInfo &info, int argc, char **argv)
      : shape(info.dims, info.dims + info.rank) {
    size_t bytes = info.dtype.bits / 8;
    for (int32_t d = 0; d < info.rank; ++d) {
      if (shape[d] < 0)
        shape[d] = sizeOf(info.dim_names[d], argc, argv);
      bytes *= size_t(shape[d]);
    }
    // Vectors of 8-byte words are aligned for every element type.
    data.resize(bytes / 8 + 1);
    tensor = sinter_tensor(data.data(), info.dtype, info.rank, shape.data());
  }

  static int64_t sizeOf(const std::string &name, int argc, char **argv) {
    for (int i = 2; i < argc; ++i)
      if (std::string(argv[i]).rfind(name + "=", 0) == 0)
        return std::stoll(argv[i] + name.size() + 1);
    return 1;
  }

  std::vector<int64_t> shape;
  std::vector<double> data;
  DLTensor tensor;
};

} // namespace

int main(int argc, char **argv) {
  void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : nullptr;
  if (!library) {
    std::fprintf(stderr, "usage: %s MODEL.so [DIMENSION=SIZE ...]\n%s\n", argv[0],
                 argc > 1 ? dlerror() : "");
    return 2;
  }
  auto entry = reinterpret_cast<SinterModelFunction>(dlsym(library, "sinter_model"));
  if (!entry) {
    std::fprintf(stderr, "%s is no model\n", argv[1]);
    return 2;
  }
  const SinterModel *model = entry();

  constexpr int workers = 4, runs = 10;
  int failures = 0;
  std::vector<std::thread> threads;
  std::vector<double> seconds(workers, -1.0);
  for (int worker = 0; worker < workers; ++worker)
    threads.emplace_back([=, &seconds] {
      try {
        std::vector<std::unique_ptr<Input>> inputs;
        std::vector<DLTensor> tensors;
        for (int32_t i = 0; i < model->input_count; ++i) {
          inputs.push_back(std::make_unique<Input>(model->inputs[i], argc, argv));
          tensors.push_back(inputs.back()->tensor);
        }
        Session session(model, /*threads=*/1);
        auto begin = std::chrono::steady_clock::now();
        for (int i = 0; i < runs; ++i)
          session.run(tensors);
        seconds[worker] =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      } catch (const std::exception &failure) {
        std::fprintf(stderr, "%s\n", failure.what());
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  for (double time : seconds) {
    failures += time < 0;
    if (time >= 0)
      std::printf("%s: %d runs, %.3f ms each\n", model->name, runs, time / runs * 1e3);
  }
  dlclose(library);
  return failures ? 1 : 0;
}
