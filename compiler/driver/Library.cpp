//===- Library.cpp - a compiled model, opened -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/driver/Library.h"
#include "compiler/driver/Emulator.h"
#include "mlir/IR/Builders.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <dlfcn.h>
#include <unistd.h>

using namespace mlir;
using namespace sinter;
using namespace sinter::driver;

Library::~Library() {
  destroyContext();
  // With worker threads the library stays mapped: their last instructions may still run.
  if (handle && threads == 1)
    dlclose(handle);
}

bool Library::open(const std::string &path, int32_t threadCount, std::string &error) {
  return load(path, error) && createContext(threadCount, error);
}

bool Library::load(const std::string &path, std::string &error) {
  SmallString<128> absolute(path);
  if (llvm::sys::fs::make_absolute(absolute) || !llvm::sys::fs::exists(absolute)) {
    error = "can't read " + path + ": no such file";
    return false;
  }
  if (auto family = foreignFamily(std::string(absolute))) {
    error = path + " was compiled for " + family->arch + ", and this machine is " +
            hostArchitecture() + "; sinter run and sinter check run it under " + family->emulator;
    return false;
  }
  handle = dlopen(absolute.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    error = std::string("can't load ") + dlerror();
    return false;
  }
  auto function = reinterpret_cast<SinterModelFunction>(dlsym(handle, "sinter_model"));
  if (!function) {
    error = path + " is not a library compiled by Sinter: it has no sinter_model";
    return false;
  }
  model = function();
  if (!model || model->abi_version != SINTER_ABI_VERSION) {
    error = path + " was compiled for another version of Sinter's interface; "
                   "compile the model again";
    return false;
  }
  file = path;
  return true;
}

void Library::destroyContext() {
  if (context)
    model->context_destroy(context);
  context = nullptr;
}

bool Library::createContext(int32_t threadCount, std::string &error) {
  threads = threadCount;
  destroyContext();
  SinterContextOptions options = {};
  options.struct_size = sizeof options;
  options.threads = threads;
  char words[512] = "";
  options.error = words;
  options.error_bytes = sizeof words;
  if (model->context_create(model, &options, &context) != SINTER_OK) {
    error = file + ", compiled for " + model->target + ": " + words;
    return false;
  }
  return true;
}

SinterProfileFunction Library::getProfile() const {
  return reinterpret_cast<SinterProfileFunction>(dlsym(handle, "sinter_profile"));
}

bool Library::run(ArrayRef<nn::HostTensor> inputs, std::vector<NamedTensor> &outputs,
                  MLIRContext &mlir, std::string &error) {
  std::vector<DLTensor> in, out(model->output_count);
  for (const nn::HostTensor &input : inputs)
    in.push_back(toDLTensor(input));
  for (int32_t i = 0; i < model->output_count; ++i) {
    out[i] = DLTensor();
    out[i].device.device_type = kDLCPU;
    out[i].dtype = model->outputs[i].dtype;
  }
  SinterStatus status = model->run(context, in.data(), in.size(), out.data(), out.size());
  if (status != SINTER_OK) {
    error = model->last_error(context);
    if (error.empty())
      error = model->status_text(status);
    return false;
  }
  outputs.clear();
  for (auto [i, each] : llvm::enumerate(out)) {
    nn::HostTensor tensor(fromDLDataType(each.dtype, mlir),
                          ArrayRef<int64_t>(each.shape, each.ndim));
    std::memcpy(tensor.mutableBytes(), static_cast<const char *>(each.data) + each.byte_offset,
                tensor.getNumElements() * tensor.getElementBytes());
    outputs.push_back({model->outputs[i].name, tensor});
  }
  return true;
}

DLDataType sinter::driver::toDLDataType(Type type) {
  uint8_t code;
  unsigned bits = type.getIntOrFloatBitWidth();
  if (type.isBF16())
    code = kDLBfloat;
  else if (isa<FloatType>(type))
    code = kDLFloat;
  else if (type.isInteger(1)) {
    code = kDLBool;
    bits = 8;
  } else
    code = type.isUnsignedInteger() ? kDLUInt : kDLInt;
  return {code, static_cast<uint8_t>(bits), 1};
}

Type sinter::driver::fromDLDataType(DLDataType type, MLIRContext &context) {
  Builder builder(&context);
  switch (type.code) {
  case kDLBool:
    return builder.getI1Type();
  case kDLBfloat:
    return builder.getBF16Type();
  case kDLFloat:
    return type.bits == 64   ? Type(builder.getF64Type())
           : type.bits == 16 ? Type(builder.getF16Type())
                             : Type(builder.getF32Type());
  case kDLUInt:
    return builder.getIntegerType(type.bits, /*isSigned=*/false);
  default:
    return builder.getIntegerType(type.bits);
  }
}

DLTensor sinter::driver::toDLTensor(const nn::HostTensor &tensor) {
  DLTensor result = {};
  result.data = const_cast<char *>(tensor.bytes());
  result.device.device_type = kDLCPU;
  result.ndim = tensor.getRank();
  result.dtype = toDLDataType(tensor.getElementType());
  result.shape = const_cast<int64_t *>(tensor.getShape().data());
  return result;
}

std::string sinter::driver::describe(DLDataType type, ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream os(text);
  switch (type.code) {
  case kDLBool:
    os << "bool";
    break;
  case kDLBfloat:
    os << "bfloat" << int(type.bits);
    break;
  case kDLFloat:
    os << "float" << int(type.bits);
    break;
  case kDLUInt:
    os << "uint" << int(type.bits);
    break;
  default:
    os << "int" << int(type.bits);
  }
  os << '[';
  llvm::interleave(
      shape, os,
      [&](int64_t dim) {
        if (dim < 0)
          os << '?';
        else
          os << dim;
      },
      ",");
  os << ']';
  return text;
}

bool sinter::driver::readInputs(const SinterModel &model, const std::vector<std::string> &files,
                                MLIRContext &context, std::vector<nn::HostTensor> &inputs,
                                std::string &error) {
  inputs.assign(model.input_count, nn::HostTensor());
  int32_t next = 0;
  for (const std::string &each : files) {
    std::string path = each;
    int32_t position = -1;
    size_t equals = each.find('=');
    if (equals != std::string::npos && !llvm::sys::fs::exists(each)) {
      std::string name = each.substr(0, equals);
      path = each.substr(equals + 1);
      for (int32_t i = 0; i < model.input_count; ++i)
        if (name == model.inputs[i].name)
          position = i;
      if (position < 0) {
        error = "the model has no input '" + name + "'; it has";
        for (int32_t i = 0; i < model.input_count; ++i)
          error += std::string(i ? ", " : " ") + model.inputs[i].name;
        return false;
      }
    } else {
      while (next < model.input_count && inputs[next].isAllocated())
        ++next;
      position = next;
    }
    if (position >= model.input_count) {
      error = "too many inputs: the model takes " + std::to_string(model.input_count);
      return false;
    }
    if (inputs[position].isAllocated()) {
      error = std::string("input '") + model.inputs[position].name + "' is given twice";
      return false;
    }
    NamedTensor tensor;
    if (!readTensor(path, context, tensor, error))
      return false;
    inputs[position] = tensor.tensor;
  }
  for (int32_t i = 0; i < model.input_count; ++i)
    if (!inputs[i].isAllocated()) {
      const SinterTensorInfo &info = model.inputs[i];
      error = std::string("input '") + info.name + "' is missing: give " +
              describe(info.dtype, ArrayRef<int64_t>(info.dims, info.rank)) + " as --input " +
              info.name + "=FILE.npy";
      return false;
    }
  return true;
}

// Whether a tensor can be held by this machine's memory, which a wrong --dim may exceed by far.
static bool fitsInMemory(ArrayRef<int64_t> shape, int64_t elementBytes) {
  int64_t bytes = elementBytes;
  for (int64_t dim : shape)
    if (llvm::MulOverflow(bytes, dim, bytes))
      return false;
  return bytes / sysconf(_SC_PAGESIZE) < sysconf(_SC_PHYS_PAGES);
}

bool sinter::driver::makeInputs(const SinterModel &model, const Dims &dims, MLIRContext &context,
                                std::vector<nn::HostTensor> &inputs, std::string &error) {
  for (int32_t i = 0; i < model.input_count; ++i) {
    const SinterTensorInfo &info = model.inputs[i];
    SmallVector<int64_t> shape(info.dims, info.dims + info.rank);
    for (auto [d, dim] : llvm::enumerate(shape)) {
      if (dim >= 0)
        continue;
      std::string name = info.dim_names[d];
      std::string position = std::string(info.name) + ":" + std::to_string(d);
      for (auto &[key, size] : dims)
        if ((!name.empty() && key == name) || key == position)
          dim = size;
      if (dim < 0) {
        error = "input '" + std::string(info.name) + "' has a dynamic dim: give --dim " +
                (name.empty() ? position : name) + "=SIZE, or inputs with --input";
        return false;
      }
    }
    Type type = fromDLDataType(info.dtype, context);
    if (!fitsInMemory(shape, nn::getElementBytes(type))) {
      error = "input '" + std::string(info.name) + "', " + describe(info.dtype, shape) +
              ", doesn't fit in memory";
      return false;
    }
    nn::HostTensor tensor(type, shape);
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
