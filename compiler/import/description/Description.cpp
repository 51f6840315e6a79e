//===- Description.cpp - Keras' Sequential configuration → nn -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/import/description/Description.h"
#include "compiler/import/description/Layer.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::description;

namespace {
/// Reads one model.
class Reader {
public:
  Reader(MLIRContext &context, const ImportOptions &options)
      : options(options), model{OpBuilder(&context), options.seed, 0, {}} {}

  OwningOpRef<ModuleOp> read(const llvm::json::Value &value, Location loc);
  ArrayRef<std::string> getProblems() const { return model.problems; }

private:
  void problem(const Twine &message) { model.problems.push_back(message.str()); }
  const llvm::json::Array *findLayers(const llvm::json::Value &value);
  bool readInput(const llvm::json::Object &config, bool isInteger);
  std::string layerName(const llvm::json::Object &config, StringRef kind);

  const ImportOptions &options;
  Model model;
  SmallVector<int64_t> inputShape;
  Type inputType;
  llvm::StringMap<unsigned> kinds;
};
} // namespace

const llvm::json::Array *Reader::findLayers(const llvm::json::Value &value) {
  const auto *root = value.getAsObject();
  auto kind = root ? root->getString("class_name") : std::nullopt;
  if (!kind) {
    problem("there is no 'class_name': this is no Keras configuration");
    return nullptr;
  }
  if (*kind != "Sequential") {
    problem("the model is a " + *kind + "; Sequential models are supported");
    return nullptr;
  }
  const auto *config = root->getObject("config");
  const auto *layers = config ? config->getArray("layers") : nullptr;
  if (!layers || layers->empty())
    problem("the model has no layers");
  return layers && !layers->empty() ? layers : nullptr;
}

// The input's shape stands in an InputLayer or in the first layer, as
// `batch_shape` (Keras 3) or `batch_input_shape`.
bool Reader::readInput(const llvm::json::Object &config, bool isInteger) {
  const auto *shape = config.getArray("batch_shape");
  if (!shape)
    shape = config.getArray("batch_input_shape");
  if (!shape)
    return false;
  for (const llvm::json::Value &each : *shape) {
    auto size = each.getAsInteger();
    if (size && *size < 1)
      problem("the input has a size of " + Twine(*size));
    inputShape.push_back(size.value_or(ShapedType::kDynamic));
  }
  if (inputShape.empty())
    problem("the input has no batch dim");
  std::string dtype = config.getString("dtype").value_or("float32").str();
  Builder &b = model.builder;
  inputType = isInteger || dtype == "int64" ? Type(b.getI64Type())
              : dtype == "int32"            ? Type(b.getI32Type())
                                            : Type(b.getF32Type());
  return true;
}

// Keras' own rule: dense, dense_1, …
std::string Reader::layerName(const llvm::json::Object &config, StringRef kind) {
  if (auto name = config.getString("name"))
    return name->str();
  std::string base;
  for (auto [i, c] : llvm::enumerate(kind)) {
    bool starts =
        llvm::isUpper(c) && i > 0 &&
        (llvm::isLower(kind[i - 1]) || (i + 1 < kind.size() && llvm::isLower(kind[i + 1])));
    if (starts)
      base += '_';
    base += llvm::toLower(c);
  }
  unsigned count = kinds[base]++;
  return count ? base + "_" + std::to_string(count) : base;
}

OwningOpRef<ModuleOp> Reader::read(const llvm::json::Value &value, Location loc) {
  const llvm::json::Array *layers = findLayers(value);
  if (!layers)
    return {};
  struct Entry {
    std::string name;
    BuildLayer build;
    const llvm::json::Object *config;
  };
  std::vector<Entry> entries;
  for (auto [i, each] : llvm::enumerate(*layers)) {
    const auto *object = each.getAsObject();
    auto kind = object ? object->getString("class_name") : std::nullopt;
    const auto *config = object ? object->getObject("config") : nullptr;
    if (!kind || !config) {
      problem("layer " + Twine(i) + " has no 'class_name' or no 'config'");
      continue;
    }
    if (inputShape.empty())
      readInput(*config, *kind == "Embedding");
    if (*kind == "InputLayer")
      continue;
    std::string name = layerName(*config, *kind);
    auto found = getLayers().find(*kind);
    if (found == getLayers().end())
      problem("layer '" + name + "': there is no layer " + *kind);
    else
      entries.push_back({name, found->second, config});
  }
  if (inputShape.empty())
    problem("no layer tells the input's shape: 'batch_shape' is missing");
  if (!model.problems.empty())
    return {};
  for (auto &[dim, size] : options.dims) {
    if (dim == "batch")
      inputShape[0] = size;
    else
      problem("there is no dim '" + dim + "'; the batch's is 'batch'");
  }

  OpBuilder &b = model.builder;
  OwningOpRef<ModuleOp> module(ModuleOp::create(loc));
  b.setInsertionPointToEnd(module->getBody());
  auto type = RankedTensorType::get(inputShape, inputType);
  auto main = func::FuncOp::create(b, loc, "main", b.getFunctionType({type}, {}));
  Block *body = main.addEntryBlock();
  b.setInsertionPointToEnd(body);
  Value current = body->getArgument(0);
  for (const Entry &entry : entries) {
    Layer layer(model, entry.name, *entry.config, current);
    Value result = entry.build(layer);
    if (!result)
      break;
    current = result;
  }
  func::ReturnOp::create(b, loc, current);
  main.setFunctionType(b.getFunctionType({type}, {current.getType()}));
  auto describe = [&](RankedTensorType tensor, StringRef name) {
    SmallVector<Attribute> dims(tensor.getRank(), b.getStringAttr(""));
    if (tensor.getRank() > 0 && tensor.isDynamicDim(0))
      dims[0] = b.getStringAttr("batch");
    return b.getDictionaryAttr({b.getNamedAttr("nn.dims", b.getArrayAttr(dims)),
                                b.getNamedAttr("nn.name", b.getStringAttr(name))});
  };
  main.setArgAttrs(0, describe(type, "input"));
  main.setResultAttrs(0, describe(cast<RankedTensorType>(current.getType()), "output"));
  (*module)->setAttr("sinter.stage", b.getStringAttr("nn"));
  return module;
}

//===----------------------------------------------------------------------===//
// Entries
//===----------------------------------------------------------------------===//

OwningOpRef<ModuleOp> sinter::description::importModel(const llvm::json::Value &model,
                                                       StringRef path, MLIRContext &context,
                                                       const ImportOptions &options) {
  context.loadDialect<nn::NNDialect, func::FuncDialect>();
  Location loc = NameLoc::get(StringAttr::get(&context, path));
  Reader reader(context, options);
  OwningOpRef<ModuleOp> module = reader.read(model, loc);
  for (const std::string &each : reader.getProblems())
    emitError(loc) << each;
  return reader.getProblems().empty() ? std::move(module) : OwningOpRef<ModuleOp>();
}

OwningOpRef<ModuleOp> sinter::description::importFile(StringRef path, MLIRContext &context,
                                                      const ImportOptions &options) {
  Location loc = NameLoc::get(StringAttr::get(&context, path));
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer) {
    emitError(loc) << "can't be read: " << buffer.getError().message();
    return {};
  }
  auto value = llvm::json::parse((*buffer)->getBuffer());
  if (!value) {
    emitError(loc) << "is not JSON: " << llvm::toString(value.takeError());
    return {};
  }
  return importModel(*value, path, context, options);
}
