//===- kernel_bench.cpp - single kernels of Sinter, oneDNN and OpenBLAS ---===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   kernel_bench SHAPES.txt THREADS [--benchmark_...]
//
// A line of the file: conv NAME LIBRARY n c h f k s g, or matmul NAME LIBRARY m n k. A library is
// one node that `sinter compile --profile` compiled: the time of its largest kernel is taken, which
// is the node's own. oneDNN works in the layouts that it likes best, weights reordered before, and
// OpenBLAS on plain matrices.
//
//===----------------------------------------------------------------------===//

#include "sinter/model.h"
#include "sinter/profile.h"

#include <benchmark/benchmark.h>
#include <cblas.h>
#include <dnnl.hpp>

#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace {

struct Shape {
  std::string kind, name, library;
  std::vector<int64_t> sizes;

  double operations() const {
    if (kind == "matmul")
      return 2.0 * sizes[0] * sizes[1] * sizes[2];
    int64_t n = sizes[0], c = sizes[1], h = sizes[2], f = sizes[3], k = sizes[4], s = sizes[5],
            g = sizes[6];
    int64_t out = (h + 2 * (k / 2) - k) / s + 1;
    return 2.0 * n * out * out * f * (c / g) * k * k;
  }
};

void setRate(benchmark::State &state, const Shape &shape) {
  state.counters["GFLOP/s"] = benchmark::Counter(shape.operations() * state.iterations() / 1e9,
                                                 benchmark::Counter::kIsRate);
}

void runSinter(benchmark::State &state, const Shape &shape, int threads) {
  void *handle = dlopen(shape.library.c_str(), RTLD_NOW | RTLD_LOCAL);
  auto function =
      handle ? reinterpret_cast<SinterModelFunction>(dlsym(handle, "sinter_model")) : nullptr;
  auto profile =
      handle ? reinterpret_cast<SinterProfileFunction>(dlsym(handle, "sinter_profile")) : nullptr;
  if (!function || !profile)
    return state.SkipWithError("no profiled library of Sinter's");
  const SinterModel *model = function();
  SinterContextOptions options = {};
  options.struct_size = sizeof options;
  options.threads = threads;
  SinterContext *context = nullptr;
  if (model->context_create(model, &options, &context) != SINTER_OK)
    return state.SkipWithError("no context");
  const SinterTensorInfo &info = model->inputs[0];
  int64_t elements = 1;
  for (int32_t d = 0; d < info.rank; ++d)
    elements *= info.dims[d];
  std::vector<float> data(elements, 0.5f);
  DLTensor input = sinter_tensor(data.data(), info.dtype, info.rank, info.dims);
  const SinterKernelInfo *kernels = nullptr;
  const SinterKernelTotals *totals = nullptr;
  int64_t count = profile(context, &kernels, &totals);
  auto once = [&] {
    DLTensor output = {};
    return model->run(context, &input, 1, &output, 1) == SINTER_OK;
  };
  if (!once())
    return state.SkipWithError(model->last_error(context));
  const SinterKernelTotals *largest =
      std::max_element(totals, totals + count,
                       [](const auto &a, const auto &b) { return a.operations < b.operations; });
  for (auto _ : state) {
    int64_t before = largest->nanoseconds;
    once();
    state.SetIterationTime((largest->nanoseconds - before) / 1e9);
  }
  setRate(state, shape);
  model->context_destroy(context);
}

template <typename Run>
void time(benchmark::State &state, const Shape &shape, Run run) {
  using Clock = std::chrono::steady_clock;
  run();
  for (auto _ : state) {
    auto before = Clock::now();
    run();
    state.SetIterationTime(std::chrono::duration<double>(Clock::now() - before).count());
  }
  setRate(state, shape);
}

void runOneDNN(benchmark::State &state, const Shape &shape, int) {
  using namespace dnnl;
  using Tag = memory::format_tag;
  engine cpu(engine::kind::cpu, 0);
  stream queue(cpu);
  auto any = [](memory::dims dims) { return memory::desc(dims, memory::data_type::f32, Tag::any); };
  auto filled = [&](const memory::desc &desc) {
    memory result(desc, cpu);
    float *data = static_cast<float *>(result.get_data_handle());
    std::fill(data, data + desc.get_size() / sizeof(float), 0.5f);
    return result;
  };
  if (shape.kind == "matmul") {
    int64_t m = shape.sizes[0], n = shape.sizes[1], k = shape.sizes[2];
    matmul::primitive_desc desc(matmul::desc(memory::desc({m, k}, memory::data_type::f32, Tag::ab),
                                             any({k, n}),
                                             memory::desc({m, n}, memory::data_type::f32, Tag::ab)),
                                cpu);
    matmul product(desc);
    memory a = filled(desc.src_desc()), b = filled(desc.weights_desc()), c(desc.dst_desc(), cpu);
    return time(state, shape, [&] {
      product.execute(queue, {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, c}});
      queue.wait();
    });
  }
  int64_t n = shape.sizes[0], c = shape.sizes[1], h = shape.sizes[2], f = shape.sizes[3],
          k = shape.sizes[4], s = shape.sizes[5], g = shape.sizes[6];
  int64_t out = (h + 2 * (k / 2) - k) / s + 1;
  memory::dims filters = g == 1 ? memory::dims{f, c, k, k} : memory::dims{g, f / g, c / g, k, k};
  convolution_forward::primitive_desc desc(
      convolution_forward::desc(prop_kind::forward_inference, algorithm::convolution_direct,
                                any({n, c, h, h}), any(filters), any({n, f, out, out}), {s, s},
                                {k / 2, k / 2}, {k / 2, k / 2}),
      cpu);
  convolution_forward convolution(desc);
  memory x = filled(desc.src_desc()), w = filled(desc.weights_desc()), y(desc.dst_desc(), cpu);
  time(state, shape, [&] {
    convolution.execute(queue, {{DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_DST, y}});
    queue.wait();
  });
}

void runOpenBLAS(benchmark::State &state, const Shape &shape, int) {
  int64_t m = shape.sizes[0], n = shape.sizes[1], k = shape.sizes[2];
  std::vector<float> a(m * k, 0.5f), b(k * n, 0.5f), c(m * n);
  time(state, shape, [&] {
    if (m == 1)
      cblas_sgemv(CblasRowMajor, CblasTrans, k, n, 1, b.data(), n, a.data(), 1, 0, c.data(), 1);
    else
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, a.data(), k, b.data(), n,
                  0, c.data(), n);
  });
}

} // namespace

int main(int count, char **arguments) {
  if (count < 3) {
    std::fprintf(stderr, "usage: kernel_bench SHAPES.txt THREADS [--benchmark_...]\n");
    return 2;
  }
  std::ifstream file(arguments[1]);
  int threads = std::stoi(arguments[2]);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    Shape shape;
    words >> shape.kind >> shape.name >> shape.library;
    for (int64_t size; words >> size;)
      shape.sizes.push_back(size);
    auto add = [&](const char *who, void (*run)(benchmark::State &, const Shape &, int)) {
      benchmark::RegisterBenchmark((shape.name + "/" + who).c_str(), run, shape, threads)
          ->UseManualTime()
          ->Unit(benchmark::kMicrosecond);
    };
    add("sinter", runSinter);
    add("onednn", runOneDNN);
    if (shape.kind == "matmul")
      add("openblas", runOpenBLAS);
  }
  int left = count - 2;
  arguments[2] = arguments[0];
  benchmark::Initialize(&left, arguments + 2);
  if (benchmark::ReportUnrecognizedArguments(left, arguments + 2))
    return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
