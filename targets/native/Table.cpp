//===- Table.cpp - the table that a model's library exports ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Constants with the layout of SinterModel (sinter/model.h) and SinterInternal
// (runtime/internal.h).
//
//===----------------------------------------------------------------------===//

#include "targets/native/Internal.h"

#include "runtime/include/sinter/model.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

using namespace sinter;
using namespace sinter::native;

static_assert(sizeof(SinterModel) == 128 && sizeof(SinterTensorInfo) == 32,
              "the layout below has to follow sinter/model.h");

namespace {

class TableBuilder {
public:
  TableBuilder(llvm::Module &host, const ModelInterface &interface)
      : host(host), interface(interface), context(host.getContext()),
        pointer(llvm::PointerType::get(context, 0)), i32(llvm::Type::getInt32Ty(context)),
        i64(llvm::Type::getInt64Ty(context)) {}

  bool buildVariant(const Target &target, llvm::ArrayRef<ProfiledCall> calls,
                    llvm::StringRef symbol, std::string &error);
  bool buildModel(llvm::ArrayRef<std::string> variants, llvm::StringRef target, std::string &error);

private:
  llvm::Function *define(const char *name, llvm::Type *result,
                         llvm::ArrayRef<llvm::Type *> parameters);
  llvm::Function *buildEntry(llvm::Function *main);
  llvm::Constant *buildWorkspaceSize();
  llvm::Constant *buildRequirements(const Target &target);
  llvm::Constant *string(llvm::StringRef text);
  llvm::Constant *constant(llvm::Constant *value, const llvm::Twine &name);
  llvm::Constant *buildInfos(llvm::ArrayRef<TensorInfo> tensors, llvm::StringRef name);
  llvm::Constant *buildCalls(llvm::ArrayRef<ProfiledCall> profiled);
  llvm::Constant *dtype(int32_t onnxType);

  llvm::Module &host;
  const ModelInterface &interface;
  llvm::LLVMContext &context;
  llvm::PointerType *pointer;
  llvm::IntegerType *i32, *i64;
};

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
  if (!interface.outputs.empty())
    arguments.push_back(entry->getArg(3));
  arguments.push_back(entry->getArg(0));
  arguments.push_back(entry->getArg(1));
  for (unsigned i = 0; i < interface.inputs.size(); ++i)
    arguments.push_back(b.CreateLoad(pointer, b.CreateConstGEP1_64(pointer, entry->getArg(2), i)));
  b.CreateCall(main, arguments);
  b.CreateRetVoid();
  return entry;
}

/// i64 sinter_rt_workspace(inputs), or null.
llvm::Constant *TableBuilder::buildWorkspaceSize() {
  llvm::Function *size = host.getFunction("_mlir_ciface_sinter_workspace_size");
  if (!size || size->isDeclaration() || size->arg_size() != interface.inputs.size() ||
      size->getReturnType() != i64)
    return llvm::ConstantPointerNull::get(pointer);
  llvm::Function *entry = define("sinter_rt_workspace", i64, {pointer});
  llvm::IRBuilder<> b(&entry->getEntryBlock());
  llvm::SmallVector<llvm::Value *> arguments;
  for (unsigned i = 0; i < interface.inputs.size(); ++i)
    arguments.push_back(b.CreateLoad(pointer, b.CreateConstGEP1_64(pointer, entry->getArg(0), i)));
  b.CreateRet(b.CreateCall(size, arguments));
  return entry;
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

/// An array of SinterTensorInfo; null if a type has no number.
llvm::Constant *TableBuilder::buildInfos(llvm::ArrayRef<TensorInfo> tensors, llvm::StringRef name) {
  llvm::SmallVector<llvm::Constant *> infos;
  for (const TensorInfo &tensor : tensors) {
    llvm::Constant *type = dtype(tensor.dtype);
    if (!type)
      return nullptr;
    llvm::SmallVector<llvm::Constant *> dims, names;
    for (size_t d = 0; d < tensor.dims.size(); ++d) {
      dims.push_back(llvm::ConstantInt::getSigned(i64, tensor.dims[d] < 0 ? -1 : tensor.dims[d]));
      names.push_back(string(d < tensor.dimNames.size() ? tensor.dimNames[d] : ""));
    }
    infos.push_back(llvm::ConstantStruct::getAnon(
        {string(tensor.name), type, llvm::ConstantInt::get(i32, tensor.dims.size()),
         constant(llvm::ConstantArray::get(llvm::ArrayType::get(i64, dims.size()), dims),
                  name + "_dims"),
         constant(llvm::ConstantArray::get(llvm::ArrayType::get(pointer, names.size()), names),
                  name + "_dim_names")}));
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

bool TableBuilder::buildVariant(const Target &target, llvm::ArrayRef<ProfiledCall> calls,
                                llvm::StringRef symbol, std::string &error) {
  llvm::Function *main = host.getFunction("_mlir_ciface_sinter_main");
  if (!main || main->isDeclaration()) {
    error = "the host program does not define '_mlir_ciface_sinter_main'";
    return false;
  }
  size_t expected = 2 + interface.inputs.size() + (interface.outputs.empty() ? 0 : 1);
  if (main->arg_size() != expected) {
    error = "'_mlir_ciface_sinter_main': expected " + std::to_string(expected) +
            " parameters, found " + std::to_string(main->arg_size());
    return false;
  }
  auto *variant = llvm::cast<llvm::GlobalVariable>(
      constant(llvm::ConstantStruct::getAnon({buildEntry(main), buildWorkspaceSize(),
                                              buildRequirements(target), buildCalls(calls),
                                              llvm::ConstantInt::get(i64, calls.size())}),
               symbol));
  variant->setLinkage(llvm::GlobalValue::ExternalLinkage);
  variant->setVisibility(llvm::GlobalValue::HiddenVisibility);
  return true;
}

bool TableBuilder::buildModel(llvm::ArrayRef<std::string> variants, llvm::StringRef target,
                              std::string &error) {
  llvm::Constant *inputs = buildInfos(interface.inputs, "sinter_rt_inputs");
  llvm::Constant *outputs = buildInfos(interface.outputs, "sinter_rt_outputs");
  if (!inputs || !outputs) {
    error = "an input or output of model '" + interface.name +
            "' has an element type that the C interface cannot express";
    return false;
  }
  llvm::SmallVector<llvm::Constant *> addresses;
  for (const std::string &variant : variants) {
    auto *symbol = llvm::cast<llvm::GlobalVariable>(
        host.getOrInsertGlobal(variant, llvm::Type::getInt8Ty(context)));
    symbol->setVisibility(llvm::GlobalValue::HiddenVisibility);
    addresses.push_back(symbol);
  }
  llvm::Constant *list =
      constant(llvm::ConstantArray::get(llvm::ArrayType::get(pointer, addresses.size()), addresses),
               "sinter_rt_variants");
  llvm::Constant *internal =
      constant(llvm::ConstantStruct::getAnon({llvm::ConstantInt::get(i32, addresses.size()), list}),
               "sinter_rt_internal");

  llvm::SmallVector<llvm::Constant *> fields = {
      llvm::ConstantInt::get(i32, SINTER_ABI_VERSION),
      llvm::ConstantInt::get(i32, sizeof(SinterModel)),
      string(interface.name),
      string("sinter 0.1.0"),
      string(target),
      llvm::ConstantInt::get(i32, interface.inputs.size()),
      llvm::ConstantInt::get(i32, interface.outputs.size()),
      inputs,
      outputs};
  auto *anyFunction = llvm::FunctionType::get(llvm::Type::getVoidTy(context), false);
  for (const char *name :
       {"sinter_rt_context_create", "sinter_rt_context_destroy", "sinter_rt_workspace_size",
        "sinter_rt_set_workspace", "sinter_rt_prepare", "sinter_rt_run", "sinter_rt_last_error",
        "sinter_rt_status_text"})
    fields.push_back(
        llvm::cast<llvm::Constant>(host.getOrInsertFunction(name, anyFunction).getCallee()));
  fields.push_back(internal);
  llvm::Constant *table = llvm::ConstantStruct::getAnon(fields);
  auto *model =
      new llvm::GlobalVariable(host, table->getType(), /*isConstant=*/true,
                               llvm::GlobalValue::ExternalLinkage, table, "sinter_rt_model");
  model->setVisibility(llvm::GlobalValue::HiddenVisibility);

  // The function for programs that several models are linked into.
  auto *function =
      llvm::Function::Create(llvm::FunctionType::get(pointer, false),
                             llvm::Function::ExternalLinkage, modelFunction(interface), host);
  llvm::IRBuilder<>(llvm::BasicBlock::Create(context, "", function)).CreateRet(model);
  return true;
}

} // namespace

bool native::addVariantTable(llvm::Module &host, const ModelInterface &interface,
                             const Target &target, llvm::ArrayRef<ProfiledCall> calls,
                             llvm::StringRef symbol, std::string &error) {
  return TableBuilder(host, interface).buildVariant(target, calls, symbol, error);
}

bool native::addModelTable(llvm::Module &host, const ModelInterface &interface,
                           llvm::ArrayRef<std::string> variants, llvm::StringRef target,
                           std::string &error) {
  return TableBuilder(host, interface).buildModel(variants, target, error);
}
