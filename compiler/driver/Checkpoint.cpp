//===- Checkpoint.cpp - the state of a training as a file -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// safetensors: the header's length (8 bytes, little-endian), the header, a JSON
// object from each tensor's name to its dtype, shape and place, then the data.
//
//===----------------------------------------------------------------------===//

#include "compiler/driver/Checkpoint.h"
#include "dialects/nn/HostTensor.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/EndianStream.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;
using namespace sinter;

// The format's name of an element type.
static StringRef dtypeName(Type type) {
  if (type.isF32())
    return "F32";
  if (type.isF64())
    return "F64";
  return type.isInteger(64) ? "I64" : "";
}

bool sinter::driver::writeInitialState(ModuleOp module, StringRef path, std::string &error) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  std::vector<nn::HostTensor> tensors;
  std::string header;
  llvm::raw_string_ostream text(header);
  llvm::json::OStream json(text);
  uint64_t end = 0;
  json.object([&] {
    for (unsigned i = 0; i < main.getNumArguments(); ++i) {
      auto initial = main.getArgAttrOfType<ElementsAttr>(i, "nn.initial");
      if (!initial)
        continue;
      nn::HostTensor tensor = nn::HostTensor::fromAttribute(initial);
      uint64_t begin = end;
      end += tensor.getNumElements() * tensor.getElementBytes();
      json.attributeObject(main.getArgAttrOfType<StringAttr>(i, "nn.name").getValue(), [&] {
        json.attribute("dtype", dtypeName(tensor.getElementType()));
        json.attribute("shape", llvm::json::Array(tensor.getShape()));
        json.attribute("data_offsets",
                       llvm::json::Array{static_cast<int64_t>(begin), static_cast<int64_t>(end)});
      });
      tensors.push_back(tensor);
    }
  });
  // The data begins at a multiple of 8 bytes.
  header.resize((header.size() + 7) / 8 * 8, ' ');

  std::error_code code;
  llvm::ToolOutputFile file(path, code, llvm::sys::fs::OF_None);
  if (code) {
    error = ("can't write " + path + ": " + code.message()).str();
    return false;
  }
  llvm::support::endian::write<uint64_t>(file.os(), header.size(), llvm::endianness::little);
  file.os() << header;
  for (const nn::HostTensor &tensor : tensors)
    file.os().write(tensor.bytes(), tensor.getNumElements() * tensor.getElementBytes());
  file.os().flush();
  if (file.os().has_error()) {
    error = ("can't write " + path + ": " + file.os().error().message()).str();
    file.os().clear_error();
    return false;
  }
  file.keep();
  return true;
}
