//===- Importer.cpp - reads the file, or says what it is instead ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/onnx/Importer.h"
#include "compiler/import/onnx/GraphImporter.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace sinter::onnx_import;

// What a file that is no ONNX model seems to be, by its first bytes; or null.
static const char *guessFormat(StringRef bytes) {
  struct Magic {
    size_t offset;
    StringRef bytes;
    const char *format;
  };
  static const Magic magics[] = {
      {0, StringRef("\x89PNG", 4), "a PNG picture"},
      {0, StringRef("\xff\xd8\xff", 3), "a JPEG picture"},
      {0, "GIF8", "a GIF picture"},
      {0, "PK\x03\x04",
       "a ZIP archive (PyTorch's .pt and .pth, Keras' .keras, "
       "NumPy's .npz are such): export the model to ONNX"},
      {0, StringRef("\x1f\x8b", 2), "a gzip archive: unpack it first"},
      {0,
       StringRef("\xfd"
                 "7zXZ",
                 5),
       "an xz archive: unpack it first"},
      {0, StringRef("\x28\xb5\x2f\xfd", 4), "a zstd archive: unpack it first"},
      {0, StringRef("\x89HDF", 4),
       "an HDF5 file (Keras' .h5): export the "
       "model to ONNX"},
      {0, StringRef("\x93NUMPY", 6), "a NumPy array"},
      {0,
       StringRef("\x7f"
                 "ELF",
                 4),
       "a native library or program"},
      {0, "GGUF", "a GGUF file: it holds weights, no graph"},
      {4, "TFL3", "a TensorFlow Lite model: convert it to ONNX"},
      {8, "{\"", "a safetensors file: it holds weights, no graph"},
      {0, StringRef("\x80\x02", 2),
       "a Python pickle (PyTorch's old .pt): "
       "export the model to ONNX"},
      {0, "%PDF", "a PDF document"},
      {0, "version https://git-lfs",
       "a Git LFS pointer: fetch the file that "
       "it stands for with `git lfs pull`"},
      {0, "ML\xefR", "MLIR bytecode: give it the ending .mlirbc"},
      {0, "module", "MLIR text: give it the ending .mlir"},
      {0, "<?xml", "an XML file"},
      {0, "<!DOCTYPE", "an HTML page: perhaps a download that failed"},
      {0, "<html", "an HTML page: perhaps a download that failed"},
      {0, "ir_version:",
       "a model in protobuf's text form: encode it with "
       "`protoc --encode=onnx.ModelProto onnx.proto`"},
      {0, "{", "a JSON file"},
  };
  for (const Magic &magic : magics)
    if (bytes.substr(magic.offset).starts_with(magic.bytes))
      return magic.format;
  return nullptr;
}

OwningOpRef<ModuleOp> sinter::onnx_import::importOnnx(StringRef path, MLIRContext &context,
                                                      const ImportOptions &options) {
  context.loadDialect<nn::NNDialect, func::FuncDialect>();
  Location loc = NameLoc::get(StringAttr::get(&context, path));
  auto fail = [&](const Twine &message) {
    mlir::emitError(loc) << message;
    return OwningOpRef<ModuleOp>();
  };

  if (llvm::sys::fs::is_directory(path))
    return fail("is a folder; expected an ONNX file");
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                          /*RequiresNullTerminator=*/false);
  if (!file)
    return fail("cannot be read: " + file.getError().message());
  StringRef bytes = (*file)->getBuffer();
  if (bytes.empty())
    return fail("is empty; expected an ONNX model");
  if (const char *format = guessFormat(bytes))
    return fail(Twine("is not an ONNX model: it looks like ") + format);
  if (bytes.size() > size_t(INT_MAX))
    return fail("is larger than 2 GB, the limit of protobuf: save the model "
                "with external data");

  google::protobuf::SetLogHandler(nullptr);
  ::onnx::ModelProto model;
  if (!model.ParsePartialFromArray(bytes.data(), bytes.size()))
    return fail("is not an ONNX model, or a damaged one: its " + Twine(bytes.size()) +
                " bytes are not a complete protobuf message");
  // Nearly any bytes may parse as fields that nobody knows.
  if (!model.has_ir_version() && !model.has_graph())
    return fail("is not an ONNX model: it has neither an IR version nor a "
                "graph");
  if (!model.has_graph())
    return fail("has no graph: the file is damaged, or it holds something else "
                "than a model");
  file->reset();

  GraphImporter importer(context, path, options);
  return importer.import(model);
}
