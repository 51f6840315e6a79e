//===- Bench.cpp - sinter bench -------------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/driver/Commands.h"
#include "compiler/driver/Library.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <chrono>

using namespace mlir;
using namespace sinter;
using namespace sinter::driver;

using Clock = std::chrono::steady_clock;

// Inputs of the model's shapes, with numbers as a model may see them.
static bool makeInputs(const SinterModel &model, const BenchArguments &arguments,
                       MLIRContext &context, std::vector<nn::HostTensor> &inputs,
                       std::string &error) {
  for (int32_t i = 0; i < model.input_count; ++i) {
    const SinterTensorInfo &info = model.inputs[i];
    SmallVector<int64_t> shape(info.dims, info.dims + info.rank);
    for (auto [d, dim] : llvm::enumerate(shape)) {
      if (dim >= 0)
        continue;
      std::string name = info.dim_names[d];
      std::string position = std::string(info.name) + ":" + std::to_string(d);
      for (auto &[key, size] : arguments.dims)
        if ((!name.empty() && key == name) || key == position)
          dim = size;
      if (dim < 0) {
        error = "input '" + std::string(info.name) + "' has a dynamic dim: give --dim " +
                (name.empty() ? position : name) + "=SIZE, or inputs with --input";
        return false;
      }
    }
    nn::HostTensor tensor(fromDLDataType(info.dtype, context), shape);
    uint32_t state = 1;
    for (int64_t k = 0, count = tensor.getNumElements(); k < count; ++k) {
      state = state * 1664525u + 1013904223u;
      if (isa<FloatType>(tensor.getElementType()))
        tensor.setDouble(k, (state >> 8) / double(1 << 24) - 0.5);
      else
        tensor.setInt(k, (state >> 8) & 1);
    }
    inputs.push_back(tensor);
  }
  return true;
}

int sinter::driver::bench(const BenchArguments &arguments) {
  auto fail = [](const std::string &message) {
    llvm::errs() << "error: " << message << '\n';
    return ModelFault;
  };
  MLIRContext mlir(MLIRContext::Threading::DISABLED);
  Library library;
  std::string error;
  if (!library.open(arguments.library, arguments.threads, error))
    return fail(error);
  const SinterModel &model = library.getModel();
  std::vector<nn::HostTensor> inputs;
  bool ok = arguments.inputs.empty() ? makeInputs(model, arguments, mlir, inputs, error)
                                     : readInputs(model, arguments.inputs, mlir, inputs, error);
  if (!ok)
    return fail(error);

  std::vector<DLTensor> in;
  for (const nn::HostTensor &input : inputs)
    in.push_back(toDLTensor(input));
  std::vector<DLTensor> out(model.output_count);
  auto once = [&] {
    for (int32_t i = 0; i < model.output_count; ++i) {
      out[i] = DLTensor();
      out[i].device.device_type = kDLCPU;
      out[i].dtype = model.outputs[i].dtype;
    }
    return model.run(library.getContext(), in.data(), in.size(), out.data(), out.size());
  };
  // The first runs touch the workspace and the weights.
  for (int i = 0; i < 5; ++i)
    if (once() != SINTER_OK)
      return fail(model.last_error(library.getContext()));

  std::vector<double> times;
  auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                std::chrono::duration<double>(arguments.seconds));
  while (times.size() < 20 || (Clock::now() < end && times.size() < 1000000)) {
    auto before = Clock::now();
    once();
    times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - before).count());
  }
  std::sort(times.begin(), times.end());
  double least = times.front(), median = times[times.size() / 2],
         p99 = times[times.size() * 99 / 100];
  if (arguments.json) {
    llvm::outs() << llvm::formatv("{0}", llvm::json::Value(llvm::json::Object{
                                             {"runs", static_cast<int64_t>(times.size())},
                                             {"min_ms", least},
                                             {"median_ms", median},
                                             {"p99_ms", p99}}))
                 << '\n';
    return Good;
  }
  llvm::outs() << model.name << " on " << model.target << ": " << times.size() << " runs"
               << llvm::format("  min %.3f ms  median %.3f ms  p99 %.3f ms\n", least, median, p99);
  return Good;
}
