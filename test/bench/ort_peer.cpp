//===- ort_peer.cpp - times one model under ONNX Runtime ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The peer that `./dev bench` measures Sinter against, through ONNX Runtime's C API and set up at
// its best: all graph optimisations, `N` threads within an operator, one operator at a time, input
// tensors made once, five runs to warm up. Prints what `sinter bench --json` prints: {"min_ms": …,
// "median_ms": …, "p99_ms": …, "runs": …}.
//
//   ort_peer LIBONNXRUNTIME.so MODEL.onnx INPUTS_DIR THREADS SECONDS
//
//===----------------------------------------------------------------------===//

#include "onnxruntime_c_api.h"

#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr int kWarmUpRuns = 5;
constexpr size_t kLeastRuns = 20;

/// One onnx.TensorProto: name, dims, ONNX's number of the element type, the elements as bytes.
struct Tensor {
  std::string name;
  std::vector<int64_t> dims;
  int32_t type = 0;
  std::string bytes;
};

/// Reads the wire format of protobuf, as far as TensorProto needs it.
class ProtoReader {
public:
  explicit ProtoReader(const std::string &data) : at(data.data()), end(at + data.size()) {}

  bool done() const { return at == end; }

  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      uint8_t byte = static_cast<uint8_t>(*take(1));
      value |= static_cast<uint64_t>(byte & 127) << shift;
      if (byte < 128)
        return value;
    }
    throw std::runtime_error("a number of more than 64 bits");
  }

  std::string bytes(size_t count) { return std::string(take(count), count); }

private:
  const char *take(size_t count) {
    if (static_cast<size_t>(end - at) < count)
      throw std::runtime_error("the file ends too early");
    const char *start = at;
    at += count;
    return start;
  }

  const char *at, *end;
};

size_t elementSize(int32_t type) {
  switch (type) {
  case ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE:
  case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64:
  case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT64:
    return 8;
  case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT:
  case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32:
  case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT32:
    return 4;
  case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16:
  case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT16:
  case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16:
  case ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16:
    return 2;
  default:
    return 1;
  }
}

/// The elements lie in raw_data, or in a field of their own per type: packed floats and doubles are
/// their bytes already, integers are varints to be narrowed to the element.
Tensor parseTensor(const std::string &data) {
  Tensor tensor;
  std::vector<uint64_t> integers;
  ProtoReader reader(data);
  while (!reader.done()) {
    uint64_t key = reader.varint();
    uint64_t field = key >> 3, wire = key & 7;
    if (wire == 0) {
      uint64_t value = reader.varint();
      if (field == 1)
        tensor.dims.push_back(static_cast<int64_t>(value));
      else if (field == 2)
        tensor.type = static_cast<int32_t>(value);
      else if (field == 5 || field == 7 || field == 11)
        integers.push_back(value);
      continue;
    }
    std::string bytes = reader.bytes(wire == 2 ? reader.varint() : wire == 1 ? 8 : 4);
    if (field == 8) {
      tensor.name = bytes;
    } else if (field == 4 || field == 9 || field == 10) {
      tensor.bytes += bytes;
    } else if (field == 1 || field == 5 || field == 7 || field == 11) {
      ProtoReader packed(bytes);
      while (!packed.done()) {
        uint64_t value = packed.varint();
        if (field == 1)
          tensor.dims.push_back(static_cast<int64_t>(value));
        else
          integers.push_back(value);
      }
    }
  }
  for (uint64_t value : integers) // little endian: the low bytes come first
    tensor.bytes.append(reinterpret_cast<const char *>(&value), elementSize(tensor.type));
  return tensor;
}

Tensor readTensor(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw std::runtime_error(path + ": cannot be opened");
  return parseTensor(std::string(std::istreambuf_iterator<char>(file), {}));
}

/// ONNX Runtime's table of functions, and its errors as exceptions.
class Runtime {
public:
  explicit Runtime(const char *library) {
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
      throw std::runtime_error(dlerror());
    auto base = reinterpret_cast<const OrtApiBase *(*)()>(dlsym(handle, "OrtGetApiBase"));
    if (!base || !(api = base()->GetApi(ORT_API_VERSION)))
      throw std::runtime_error("the library is older than its header");
  }

  const OrtApi *operator->() const { return api; }

  void check(OrtStatus *status) const {
    if (!status)
      return;
    std::string message = api->GetErrorMessage(status);
    api->ReleaseStatus(status);
    throw std::runtime_error(message);
  }

private:
  const OrtApi *api = nullptr;
};

/// A model loaded for `threads` threads, with its inputs bound.
class Session {
public:
  Session(const Runtime &ort, const char *model, const std::string &inputs, int threads)
      : ort(ort) {
    OrtEnv *environment = nullptr;
    OrtSessionOptions *options = nullptr;
    ort.check(ort->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "bench", &environment));
    ort.check(ort->CreateSessionOptions(&options));
    ort.check(ort->SetIntraOpNumThreads(options, threads));
    ort.check(ort->SetInterOpNumThreads(options, 1));
    ort.check(ort->SetSessionGraphOptimizationLevel(options, ORT_ENABLE_ALL));
    ort.check(ort->CreateSession(environment, model, options, &session));
    ort.check(ort->GetAllocatorWithDefaultOptions(&allocator));
    bindInputs(inputs);
    size_t count = 0;
    ort.check(ort->SessionGetOutputCount(session, &count));
    for (size_t i = 0; i < count; ++i) {
      char *name = nullptr;
      ort.check(ort->SessionGetOutputName(session, i, allocator, &name));
      outputNames.push_back(name);
    }
  }

  void run() {
    std::vector<OrtValue *> outputs(outputNames.size(), nullptr);
    ort.check(ort->Run(session, nullptr, inputNames.data(), values.data(), values.size(),
                       outputNames.data(), outputNames.size(), outputs.data()));
    for (OrtValue *output : outputs)
      ort->ReleaseValue(output);
  }

private:
  /// input_N.pb goes to the input that it names, or to the N-th where it names none of the model's.
  void bindInputs(const std::string &folder) {
    size_t count = 0;
    ort.check(ort->SessionGetInputCount(session, &count));
    OrtMemoryInfo *memory = nullptr;
    ort.check(ort->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory));
    for (size_t i = 0; i < count; ++i) {
      char *name = nullptr;
      ort.check(ort->SessionGetInputName(session, i, allocator, &name));
      inputNames.push_back(name);
      tensors.push_back(readTensor(folder + "/input_" + std::to_string(i) + ".pb"));
    }
    for (size_t i = 0; i < count; ++i) {
      auto named = std::find_if(tensors.begin(), tensors.end(),
                                [&](const Tensor &tensor) { return tensor.name == inputNames[i]; });
      Tensor &tensor = named != tensors.end() ? *named : tensors[i];
      OrtValue *value = nullptr;
      ort.check(ort->CreateTensorWithDataAsOrtValue(
          memory, tensor.bytes.data(), tensor.bytes.size(), tensor.dims.data(), tensor.dims.size(),
          static_cast<ONNXTensorElementDataType>(tensor.type), &value));
      values.push_back(value);
    }
  }

  const Runtime &ort;
  OrtSession *session = nullptr;
  OrtAllocator *allocator = nullptr;
  std::vector<Tensor> tensors;
  std::vector<const OrtValue *> values;
  std::vector<const char *> inputNames, outputNames;
};

/// Times of single runs in ms, sorted: at least `kLeastRuns` of them, for at least `seconds`.
std::vector<double> timeRuns(Session &session, double seconds) {
  using Clock = std::chrono::steady_clock;
  auto since = [](Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  };
  for (int i = 0; i < kWarmUpRuns; ++i)
    session.run();
  std::vector<double> times;
  auto start = Clock::now();
  while (times.size() < kLeastRuns || since(start) < seconds * 1e3) {
    auto before = Clock::now();
    session.run();
    times.push_back(since(before));
  }
  std::sort(times.begin(), times.end());
  return times;
}

} // namespace

int main(int count, char **arguments) {
  if (count != 6) {
    fprintf(stderr, "usage: ort_peer LIBONNXRUNTIME.so MODEL.onnx INPUTS_DIR THREADS SECONDS\n");
    return 2;
  }
  try {
    Runtime ort(arguments[1]);
    Session session(ort, arguments[2], arguments[3], atoi(arguments[4]));
    std::vector<double> times = timeRuns(session, atof(arguments[5]));
    printf("{\"min_ms\": %.6f, \"median_ms\": %.6f, \"p99_ms\": %.6f, \"runs\": %zu}\n",
           times.front(), times[times.size() / 2], times[times.size() * 99 / 100], times.size());
  } catch (const std::exception &error) {
    fprintf(stderr, "ort_peer: %s\n", error.what());
    return 1;
  }
  return 0;
}
