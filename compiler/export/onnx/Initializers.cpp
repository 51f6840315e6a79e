//===- Initializers.cpp - other weights in an ONNX file -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/export/onnx/Exporter.h"
#include "compiler/export/onnx/GraphWriter.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::onnx_export;
using ::onnx::GraphProto;
using ::onnx::TensorProto;

// The tensor of that name: an initializer, or the value of a Constant node that has the
// name or, without one, whose result has.
static TensorProto *findTensor(GraphProto &graph, StringRef name) {
  for (TensorProto &tensor : *graph.mutable_initializer())
    if (tensor.name() == name)
      return &tensor;
  for (auto &node : *graph.mutable_node()) {
    if (node.op_type() != "Constant" || node.output_size() != 1 ||
        (node.name().empty() ? node.output(0) : node.name()) != name)
      continue;
    for (auto &attribute : *node.mutable_attribute())
      if (attribute.name() == "value" && attribute.has_t())
        return attribute.mutable_t();
  }
  return nullptr;
}

static bool fits(const TensorProto &tensor, const nn::HostTensor &value) {
  return tensor.data_type() == nn::getElementTypeNumber(value.getElementType()) &&
         llvm::equal(tensor.dims(), value.getShape());
}

// Bytes take the place of whatever field held the elements.
static void replace(TensorProto &tensor, const nn::HostTensor &value) {
  tensor.clear_float_data();
  tensor.clear_double_data();
  tensor.clear_int32_data();
  tensor.clear_int64_data();
  tensor.clear_uint64_data();
  tensor.clear_external_data();
  tensor.clear_data_location();
  fillTensor(tensor, value);
}

// Files of external data are found in the model's folder only.
static bool hasExternalData(const GraphProto &graph) {
  return llvm::any_of(graph.initializer(), [](const TensorProto &tensor) {
    return tensor.data_location() == TensorProto::EXTERNAL;
  });
}

static bool areInOneFolder(StringRef lhs, StringRef rhs) {
  SmallString<256> folders[] = {lhs, rhs};
  for (SmallString<256> &folder : folders) {
    llvm::sys::path::remove_filename(folder);
    if (folder.empty())
      folder = ".";
  }
  bool same = false;
  return !llvm::sys::fs::equivalent(folders[0], folders[1], same) && same;
}

LogicalResult sinter::onnx_export::replaceInitializers(StringRef source, StringRef path,
                                                       ArrayRef<Replacement> replacements,
                                                       Location loc) {
  ::onnx::ModelProto model;
  auto file = llvm::MemoryBuffer::getFile(source, /*IsText=*/false,
                                          /*RequiresNullTerminator=*/false);
  if (!file || !model.ParsePartialFromArray((*file)->getBufferStart(),
                                            static_cast<int>((*file)->getBufferSize())))
    return mlir::emitError(loc) << "can't be read again";
  bool isBad = false;
  llvm::SmallPtrSet<const TensorProto *, 16> replaced;
  for (const Replacement &each : replacements) {
    TensorProto *tensor = findTensor(*model.mutable_graph(), each.name);
    if (tensor && !replaced.insert(tensor).second) {
      mlir::emitError(loc) << "two parameters are called '" << each.name
                           << "' in the file: name its nodes apart";
      isBad = true;
      continue;
    }
    if (tensor && fits(*tensor, each.value)) {
      replace(*tensor, each.value);
      continue;
    }
    mlir::emitError(loc) << "the parameter '" << each.name
                         << "' is no initializer of the file as it stands: the model "
                            "computes it from others, and it can't be put back";
    isBad = true;
  }
  if (isBad)
    return failure();
  if (hasExternalData(model.graph()) && !areInOneFolder(source, path))
    return mlir::emitError(loc) << "has external data, which ONNX looks for beside the "
                                   "model: write the new one into the same folder";
  return writeModel(model, path, loc);
}
