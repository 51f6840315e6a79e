//===- TensorFile.cpp - a TensorProto in a file of its own ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/onnx/TensorFile.h"
#include "compiler/import/onnx/Tensor.h"
#include "llvm/Support/MemoryBuffer.h"
#include <onnx/onnx_pb.h>

using namespace mlir;
using namespace sinter;

ElementsAttr onnx_import::readTensorFile(StringRef path, MLIRContext &context, std::string &name,
                                         std::string &error) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer) {
    error = ("can't read " + path + ": " + buffer.getError().message()).str();
    return {};
  }
  // Small: the blob of a resource may point into the message, which therefore
  // stays for the life of the process.
  auto *tensor = new ::onnx::TensorProto;
  if (!tensor->ParseFromArray((*buffer)->getBufferStart(), (*buffer)->getBufferSize())) {
    delete tensor;
    error = (path + ": not an ONNX TensorProto").str();
    return {};
  }
  name = tensor->name();
  TensorReader reader(&context, path);
  ElementsAttr value = reader.read(*tensor, name, error);
  if (!value)
    error = (path + ": " + error).str();
  return value;
}
