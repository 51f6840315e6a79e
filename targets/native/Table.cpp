//===- Table.cpp - the table that a model's library exports ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Constants with the layout of SinterModel (sinter/model.h), SinterTraining
// (sinter/train.h) and SinterInternal (runtime/internal.h).
//
//===----------------------------------------------------------------------===//

#include "targets/native/Internal.h"

#include "runtime/include/sinter/model.h"
#include "runtime/include/sinter/train.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

using namespace sinter;
using namespace sinter::native;

static_assert(sizeof(SinterModel) == 136 && sizeof(SinterTensorInfo) == 32,
              "the layout below has to follow sinter/model.h");
static_assert(sizeof(SinterTraining) == 88 && sizeof(SinterStateInfo) == 80,
              "the layout below has to follow sinter/train.h");

namespace {

class TableBuilder {
public:
  TableBuilder(llvm::Module &host, const ModelInterface &interface)
      : host(host), interface(interface), context(host.getContext()),
        pointer(llvm::PointerType::get(context, 0)), i32(llvm::Type::getInt32Ty(context)),
        i64(llvm::Type::getInt64Ty(context)) {}

  bool buildVariant(const VariantOptions &options, llvm::StringRef symbol, std::string &error);
  /// The SinterModel; null after an error. `training` is its SinterTraining, or null.
  llvm::GlobalVariable *buildModel(const TableOptions &options, llvm::Constant *training,
                                   std::string &error);
  bool buildTraining(const TrainingInterface &training,
                     llvm::ArrayRef<llvm::GlobalVariable *> models, llvm::GlobalVariable *table,
                     std::string &error);
  /// A function that gives the address of a table, for programs.
  void exportTable(llvm::GlobalVariable *table, llvm::StringRef name,
                   llvm::GlobalValue::LinkageTypes linkage);

private:
  llvm::Function *define(const char *name, llvm::Type *result,
                         llvm::ArrayRef<llvm::Type *> parameters);
  llvm::Function *buildEntry(llvm::Function *main);
  /// What tells how large a workspace one of the host program's functions needs, or null.
  llvm::Constant *buildWorkspaceSize(llvm::StringRef function, size_t inputs);
  bool placePrepared(llvm::ArrayRef<PreparedTensor> prepared, std::string &error);
  llvm::Constant *buildPrepared(llvm::ArrayRef<PreparedTensor> prepared);
  llvm::Constant *buildRequirements(const Target &target);
  llvm::Constant *string(llvm::StringRef text);
  llvm::Constant *constant(llvm::Constant *value, const llvm::Twine &name);
  llvm::Constant *buildInfos(llvm::ArrayRef<TensorInfo> tensors, llvm::StringRef name);
  llvm::Constant *buildInfo(const TensorInfo &tensor, llvm::StringRef name);
  llvm::Constant *buildNumbers(llvm::ArrayRef<int32_t> numbers);
  llvm::Constant *function(llvm::StringRef name);
  llvm::Constant *buildCalls(llvm::ArrayRef<ProfiledCall> profiled);
  llvm::Constant *dtype(int32_t onnxType);

  llvm::Module &host;
  const ModelInterface &interface;
  /// Of prepared tensors: where each is, and the descriptor that says so.
  llvm::SmallVector<llvm::Constant *> addresses, descriptors;
  llvm::LLVMContext &context;
  llvm::PointerType *pointer;
  llvm::IntegerType *i32, *i64;
};

static uint64_t preparedBytes(const PreparedTensor &tensor) {
  uint64_t bytes = tensor.elementBytes;
  for (int64_t dim : tensor.dims)
    bytes *= dim;
  return bytes;
}

llvm::Function *TableBuilder::define(const char *name, llvm::Type *result,
                                     llvm::ArrayRef<llvm::Type *> parameters) {
  auto *function = llvm::Function::Create(llvm::FunctionType::get(result, parameters, false),
                                          llvm::Function::InternalLinkage, name, host);
  llvm::BasicBlock::Create(context, "", function);
  return function;
}

/// void sinter_rt_entry(ctx, workspace, inputs, results)
llvm::Function *TableBuilder::buildEntry(llvm::Function *main) {
  llvm::Function *entry = define("sinter_rt_entry", llvm::Type::getVoidTy(context),
                                 {pointer, pointer, pointer, pointer});
  llvm::IRBuilder<> b(&entry->getEntryBlock());
  llvm::SmallVector<llvm::Value *> arguments;
  if (!interface.outputs.empty() || !interface.stateOutputs.empty())
    arguments.push_back(entry->getArg(3));
  arguments.push_back(entry->getArg(0));
  arguments.push_back(entry->getArg(1));
  for (unsigned i = 0; i < interface.inputs.size() + interface.stateInputs.size(); ++i)
    arguments.push_back(b.CreateLoad(pointer, b.CreateConstGEP1_64(pointer, entry->getArg(2), i)));
  arguments.append(descriptors.begin(), descriptors.end());
  b.CreateCall(main, arguments);
  b.CreateRetVoid();
  return entry;
}

/// i64 sinter_rt_workspace(inputs), or null.
llvm::Constant *TableBuilder::buildWorkspaceSize(llvm::StringRef function, size_t inputs) {
  std::string name = "_mlir_ciface_sinter_workspace_size";
  if (function != "main")
    name += "_" + function.str();
  llvm::ArrayRef<llvm::Constant *> last(descriptors);
  if (function == "prepare")
    last = {};
  llvm::Function *size = host.getFunction(name);
  if (!size || size->isDeclaration() || size->arg_size() != inputs + last.size() ||
      size->getReturnType() != i64)
    return llvm::ConstantPointerNull::get(pointer);
  llvm::Function *entry = define("sinter_rt_workspace", i64, {pointer});
  llvm::IRBuilder<> b(&entry->getEntryBlock());
  llvm::SmallVector<llvm::Value *> arguments;
  for (unsigned i = 0; i < inputs; ++i)
    arguments.push_back(b.CreateLoad(pointer, b.CreateConstGEP1_64(pointer, entry->getArg(0), i)));
  arguments.append(last.begin(), last.end());
  b.CreateRet(b.CreateCall(size, arguments));
  return entry;
}

/// Memory for the prepared tensors: zeros, which take no room in the library.
bool TableBuilder::placePrepared(llvm::ArrayRef<PreparedTensor> prepared, std::string &error) {
  if (prepared.empty())
    return true;
  llvm::SmallVector<uint64_t> offsets;
  uint64_t total = 0;
  for (const PreparedTensor &tensor : prepared) {
    offsets.push_back(total);
    total = llvm::alignTo(total + preparedBytes(tensor), 128);
  }
  // Vector loads may read a little beyond the end.
  auto *type = llvm::ArrayType::get(llvm::Type::getInt8Ty(context), total + 128);
  auto *memory =
      new llvm::GlobalVariable(host, type, /*isConstant=*/false, llvm::GlobalValue::InternalLinkage,
                               llvm::ConstantAggregateZero::get(type), preparedSymbol);
  memory->setAlignment(llvm::Align(128));
  for (auto [tensor, offset] : llvm::zip(prepared, offsets)) {
    llvm::Constant *address = llvm::ConstantExpr::getInBoundsGetElementPtr(
        llvm::Type::getInt8Ty(context), memory,
        llvm::ArrayRef<llvm::Constant *>(llvm::ConstantInt::get(i64, offset)));
    addresses.push_back(address);
    // MLIR's memref: allocated, aligned, offset, sizes, strides.
    llvm::SmallVector<llvm::Constant *> fields = {address, address, llvm::ConstantInt::get(i64, 0)};
    llvm::SmallVector<llvm::Constant *> strides;
    int64_t stride = 1;
    for (int64_t dim : llvm::reverse(tensor.dims)) {
      strides.push_back(llvm::ConstantInt::get(i64, stride));
      stride *= dim;
    }
    for (int64_t dim : tensor.dims)
      fields.push_back(llvm::ConstantInt::get(i64, dim));
    fields.append(strides.rbegin(), strides.rend());
    descriptors.push_back(
        constant(llvm::ConstantStruct::getAnon(fields), "sinter_rt_prepared_tensor"));
  }
  if (host.getFunction("_mlir_ciface_sinter_prepare"))
    return true;
  error = "the host program does not define 'sinter_prepare'";
  return false;
}

/// A SinterPrepared, or null.
llvm::Constant *TableBuilder::buildPrepared(llvm::ArrayRef<PreparedTensor> prepared) {
  if (addresses.empty())
    return llvm::ConstantPointerNull::get(pointer);
  llvm::SmallVector<llvm::Constant *> tensors;
  for (auto [tensor, address] : llvm::zip(prepared, addresses))
    tensors.push_back(
        llvm::ConstantStruct::getAnon({address, llvm::ConstantInt::get(i64, preparedBytes(tensor)),
                                       llvm::ConstantInt::get(i64, tensor.dims.size())}));
  llvm::Constant *list =
      constant(llvm::ConstantArray::get(
                   llvm::ArrayType::get(tensors.front()->getType(), tensors.size()), tensors),
               "sinter_rt_prepared_tensors");
  return constant(llvm::ConstantStruct::getAnon({host.getFunction("_mlir_ciface_sinter_prepare"),
                                                 buildWorkspaceSize("prepare", 0), list,
                                                 llvm::ConstantInt::get(i64, tensors.size())}),
                  "sinter_rt_prepare_table");
}

llvm::Constant *TableBuilder::constant(llvm::Constant *value, const llvm::Twine &name) {
  return new llvm::GlobalVariable(host, value->getType(), /*isConstant=*/true,
                                  llvm::GlobalValue::InternalLinkage, value, name);
}

llvm::Constant *TableBuilder::string(llvm::StringRef text) {
  return constant(llvm::ConstantDataArray::getString(context, text), "sinter_rt_string");
}

/// DLDataType {code, bits, lanes} of one of ONNX's types.
llvm::Constant *TableBuilder::dtype(int32_t onnxType) {
  struct {
    int32_t onnx;
    uint8_t code, bits;
  } const types[] = {{1, kDLFloat, 32},  {2, kDLUInt, 8},    {3, kDLInt, 8},    {4, kDLUInt, 16},
                     {5, kDLInt, 16},    {6, kDLInt, 32},    {7, kDLInt, 64},   {9, kDLBool, 8},
                     {10, kDLFloat, 16}, {11, kDLFloat, 64}, {12, kDLUInt, 32}, {13, kDLUInt, 64},
                     {16, kDLBfloat, 16}};
  for (const auto &type : types)
    if (type.onnx == onnxType)
      return llvm::ConstantStruct::getAnon(
          {llvm::ConstantInt::get(llvm::Type::getInt8Ty(context), type.code),
           llvm::ConstantInt::get(llvm::Type::getInt8Ty(context), type.bits),
           llvm::ConstantInt::get(llvm::Type::getInt16Ty(context), 1)});
  return nullptr;
}

/// A SinterTensorInfo; null if the type has no number.
llvm::Constant *TableBuilder::buildInfo(const TensorInfo &tensor, llvm::StringRef name) {
  llvm::Constant *type = dtype(tensor.dtype);
  if (!type)
    return nullptr;
  llvm::SmallVector<llvm::Constant *> dims, names;
  for (size_t d = 0; d < tensor.dims.size(); ++d) {
    dims.push_back(llvm::ConstantInt::getSigned(i64, tensor.dims[d] < 0 ? -1 : tensor.dims[d]));
    names.push_back(string(d < tensor.dimNames.size() ? tensor.dimNames[d] : ""));
  }
  return llvm::ConstantStruct::getAnon(
      {string(tensor.name), type, llvm::ConstantInt::get(i32, tensor.dims.size()),
       constant(llvm::ConstantArray::get(llvm::ArrayType::get(i64, dims.size()), dims),
                name + "_dims"),
       constant(llvm::ConstantArray::get(llvm::ArrayType::get(pointer, names.size()), names),
                name + "_dim_names")});
}

/// An array of SinterTensorInfo; null if a type has no number.
llvm::Constant *TableBuilder::buildInfos(llvm::ArrayRef<TensorInfo> tensors, llvm::StringRef name) {
  llvm::SmallVector<llvm::Constant *> infos;
  for (const TensorInfo &tensor : tensors) {
    infos.push_back(buildInfo(tensor, name));
    if (!infos.back())
      return nullptr;
  }
  if (infos.empty())
    return llvm::ConstantPointerNull::get(pointer);
  return constant(
      llvm::ConstantArray::get(llvm::ArrayType::get(infos.front()->getType(), infos.size()), infos),
      name);
}

/// An array of SinterKernelInfo, or null.
llvm::Constant *TableBuilder::buildCalls(llvm::ArrayRef<ProfiledCall> profiled) {
  llvm::SmallVector<llvm::Constant *> calls;
  for (const ProfiledCall &call : profiled)
    calls.push_back(llvm::ConstantStruct::getAnon({string(call.kernel), string(call.nodes)}));
  if (calls.empty())
    return llvm::ConstantPointerNull::get(pointer);
  return constant(
      llvm::ConstantArray::get(llvm::ArrayType::get(calls.front()->getType(), calls.size()), calls),
      "sinter_rt_kernels");
}

/// An array of SinterRequirement that ends with zeros.
llvm::Constant *TableBuilder::buildRequirements(const Target &target) {
  llvm::SmallVector<uint32_t> words;
  for (const CpuRequirement &each : target.requirements)
    words.append({each.leaf, each.subleaf, each.word, each.mask});
  words.append(4, 0);
  return constant(llvm::ConstantDataArray::get(context, words), "sinter_rt_requirements");
}

bool TableBuilder::buildVariant(const VariantOptions &options, llvm::StringRef symbol,
                                std::string &error) {
  std::string name = "_mlir_ciface_sinter_" + interface.function;
  llvm::Function *main = host.getFunction(name);
  if (!main || main->isDeclaration()) {
    error = "the host program does not define '" + name + "'";
    return false;
  }
  bool gives = !interface.outputs.empty() || !interface.stateOutputs.empty();
  size_t inputs = interface.inputs.size() + interface.stateInputs.size();
  size_t expected = 2 + inputs + options.prepared.size() + (gives ? 1 : 0);
  if (main->arg_size() != expected) {
    error = "'" + name + "': expected " + std::to_string(expected) + " parameters, found " +
            std::to_string(main->arg_size());
    return false;
  }
  if (!placePrepared(options.prepared, error))
    return false;
  llvm::Constant *driver = llvm::ConstantPointerNull::get(pointer), *weights = driver;
  const Device &device = options.target.device;
  if (device) {
    auto *global = llvm::cast<llvm::GlobalVariable>(
        host.getOrInsertGlobal("sinter_rt_" + device.runtime, llvm::Type::getInt8Ty(context)));
    global->setVisibility(llvm::GlobalValue::HiddenVisibility);
    driver = global;
    if (llvm::GlobalVariable *symbol = host.getGlobalVariable("sinter_weights"))
      weights = symbol;
  }
  auto *variant = llvm::cast<llvm::GlobalVariable>(
      constant(llvm::ConstantStruct::getAnon(
                   {buildEntry(main), buildWorkspaceSize(interface.function, inputs),
                    buildRequirements(options.target), buildCalls(options.calls),
                    llvm::ConstantInt::get(i64, options.calls.size()),
                    buildPrepared(options.prepared), driver, weights,
                    llvm::ConstantInt::get(i64, weights->isNullValue() ? 0 : options.weightsBytes),
                    llvm::ConstantInt::get(i64, uint64_t(device.capability))}),
               symbol));
  variant->setLinkage(llvm::GlobalValue::ExternalLinkage);
  variant->setVisibility(llvm::GlobalValue::HiddenVisibility);
  return true;
}

llvm::Constant *TableBuilder::buildNumbers(llvm::ArrayRef<int32_t> numbers) {
  return constant(llvm::ConstantDataArray::get(
                      context, llvm::ArrayRef(reinterpret_cast<const uint32_t *>(numbers.data()),
                                              numbers.size())),
                  "sinter_rt_numbers");
}

/// One of the runtime's functions.
llvm::Constant *TableBuilder::function(llvm::StringRef name) {
  auto *anyFunction = llvm::FunctionType::get(llvm::Type::getVoidTy(context), false);
  return llvm::cast<llvm::Constant>(host.getOrInsertFunction(name, anyFunction).getCallee());
}

llvm::GlobalVariable *TableBuilder::buildModel(const TableOptions &options,
                                               llvm::Constant *training, std::string &error) {
  llvm::Constant *inputs = buildInfos(interface.inputs, "sinter_rt_inputs");
  llvm::Constant *outputs = buildInfos(interface.outputs, "sinter_rt_outputs");
  if (!inputs || !outputs) {
    error = "an input or output of model '" + interface.name +
            "' has an element type that the C interface cannot express";
    return nullptr;
  }
  llvm::SmallVector<llvm::Constant *> addresses;
  for (const std::string &variant : options.variants) {
    auto *symbol = llvm::cast<llvm::GlobalVariable>(
        host.getOrInsertGlobal(variantSymbol(variant, interface), llvm::Type::getInt8Ty(context)));
    symbol->setVisibility(llvm::GlobalValue::HiddenVisibility);
    addresses.push_back(symbol);
  }
  llvm::Constant *list =
      constant(llvm::ConstantArray::get(llvm::ArrayType::get(pointer, addresses.size()), addresses),
               "sinter_rt_variants");
  llvm::Constant *internal =
      constant(llvm::ConstantStruct::getAnon(
                   {llvm::ConstantInt::get(i32, addresses.size()), list,
                    training ? training : llvm::ConstantPointerNull::get(pointer),
                    buildNumbers(interface.stateInputs), buildNumbers(interface.stateOutputs),
                    llvm::ConstantInt::get(i32, interface.stateInputs.size()),
                    llvm::ConstantInt::get(i32, interface.stateOutputs.size())}),
               "sinter_rt_internal");

  llvm::SmallVector<llvm::Constant *> fields = {
      llvm::ConstantInt::get(i32, SINTER_ABI_VERSION),
      llvm::ConstantInt::get(i32, sizeof(SinterModel)),
      string(interface.name),
      string("sinter 0.1.0"),
      string(options.target),
      llvm::ConstantInt::get(i32, interface.inputs.size()),
      llvm::ConstantInt::get(i32, interface.outputs.size()),
      inputs,
      outputs};
  for (const char *name :
       {"sinter_rt_context_create", "sinter_rt_context_destroy", "sinter_rt_workspace_size",
        "sinter_rt_set_workspace", "sinter_rt_prepare", "sinter_rt_run", "sinter_rt_last_error",
        "sinter_rt_status_text"})
    fields.push_back(function(name));
  fields.push_back(internal);
  fields.push_back(function("sinter_rt_device_name"));
  llvm::Constant *table = llvm::ConstantStruct::getAnon(fields);
  std::string name = "sinter_rt_model";
  if (interface.function != "main")
    name += "_" + interface.function;
  auto *model = new llvm::GlobalVariable(host, table->getType(), /*isConstant=*/true,
                                         llvm::GlobalValue::ExternalLinkage, table, name);
  model->setVisibility(llvm::GlobalValue::HiddenVisibility);
  return model;
}

bool TableBuilder::buildTraining(const TrainingInterface &training,
                                 llvm::ArrayRef<llvm::GlobalVariable *> models,
                                 llvm::GlobalVariable *table, std::string &error) {
  auto number = [&](double value) {
    return llvm::ConstantFP::get(llvm::Type::getDoubleTy(context), value);
  };
  llvm::SmallVector<llvm::Constant *> states;
  for (const StateInfo &state : training.states) {
    llvm::Constant *info = buildInfo(state.tensor, "sinter_rt_state");
    if (!info) {
      error = "state '" + state.tensor.name +
              "' has an element type that the C interface cannot express";
      return false;
    }
    llvm::Constant *values = llvm::ConstantPointerNull::get(pointer);
    if (state.initialization == SINTER_INIT_VALUES) {
      llvm::Type *i8 = llvm::Type::getInt8Ty(context);
      values = llvm::ConstantExpr::getInBoundsGetElementPtr(
          i8, llvm::cast<llvm::Constant>(host.getOrInsertGlobal("sinter_weights", i8)),
          llvm::ArrayRef<llvm::Constant *>(llvm::ConstantInt::get(i64, state.values)));
    }
    llvm::Constant *initializer = llvm::ConstantStruct::getAnon(
        {llvm::ConstantInt::get(i32, state.initialization), number(state.a), number(state.b),
         llvm::ConstantInt::get(i64, state.stream), values});
    states.push_back(llvm::ConstantStruct::getAnon(
        {info, llvm::ConstantInt::get(i32, state.kind), initializer}));
  }
  llvm::Constant *list =
      states.empty()
          ? llvm::cast<llvm::Constant>(llvm::ConstantPointerNull::get(pointer))
          : constant(llvm::ConstantArray::get(
                         llvm::ArrayType::get(states.front()->getType(), states.size()), states),
                     "sinter_rt_states");
  llvm::Constant *fields = llvm::ConstantStruct::getAnon(
      {llvm::ConstantInt::get(i32, SINTER_ABI_VERSION),
       llvm::ConstantInt::get(i32, sizeof(SinterTraining)), models[0], models[1], models[2],
       llvm::ConstantInt::get(i32, states.size()), list, string(training.description),
       function("sinter_rt_train_init"), function("sinter_rt_train_state"),
       function("sinter_rt_train_share"), function("sinter_rt_train_set_all_reduce")});
  auto *value =
      new llvm::GlobalVariable(host, fields->getType(), /*isConstant=*/true,
                               llvm::GlobalValue::InternalLinkage, fields, "sinter_rt_training");
  table->replaceAllUsesWith(value);
  table->eraseFromParent();
  exportTable(value, trainingFunction(interface), llvm::GlobalValue::ExternalLinkage);
  exportTable(value, "sinter_training", llvm::GlobalValue::WeakAnyLinkage);
  return true;
}

void TableBuilder::exportTable(llvm::GlobalVariable *table, llvm::StringRef name,
                               llvm::GlobalValue::LinkageTypes linkage) {
  auto *function =
      llvm::Function::Create(llvm::FunctionType::get(pointer, false), linkage, name, host);
  llvm::IRBuilder<>(llvm::BasicBlock::Create(context, "", function)).CreateRet(table);
}

} // namespace

bool native::addVariantTable(llvm::Module &host, const ModelInterface &interface,
                             const VariantOptions &options, llvm::StringRef symbol,
                             std::string &error) {
  return TableBuilder(host, interface).buildVariant(options, symbol, error);
}

llvm::SmallVector<const ModelInterface *, 3> native::getModels(const ModelInterface &interface) {
  if (!interface.training)
    return {&interface};
  return {&interface, &interface.training->evalStep, &interface.training->forward};
}

std::string native::variantSymbol(llvm::StringRef variant, const ModelInterface &interface) {
  return (variant + "." + interface.function).str();
}

bool native::addModelTable(llvm::Module &host, const ModelInterface &interface,
                           const TableOptions &options, std::string &error) {
  const TrainingInterface *training = interface.training.get();
  TableBuilder builder(host, interface);
  // The training's table and those of its models name each other.
  auto *forward = training
                      ? new llvm::GlobalVariable(host, llvm::Type::getInt8Ty(host.getContext()),
                                                 true, llvm::GlobalValue::ExternalLinkage, nullptr,
                                                 "sinter_rt_forward")
                      : nullptr;
  llvm::SmallVector<llvm::GlobalVariable *> models;
  for (const ModelInterface *each : getModels(interface)) {
    models.push_back(TableBuilder(host, *each).buildModel(options, forward, error));
    if (!models.back())
      return false;
  }
  builder.exportTable(models.front(), modelFunction(interface), llvm::GlobalValue::ExternalLinkage);
  return !training || builder.buildTraining(*training, models, forward, error);
}
