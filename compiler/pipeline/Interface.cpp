//===- Interface.cpp - what the users of a library see --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Inputs, outputs and state, from the attributes of the module's functions.
//
//===----------------------------------------------------------------------===//

#include "compiler/pipeline/Host.h"
#include "dialects/nn/NN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "runtime/include/sinter/train.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace sinter;

static FailureOr<TensorInfo> describe(func::FuncOp function, Type type, DictionaryAttr attributes,
                                      StringRef kind, unsigned number) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return function.emitError() << kind << " " << number << " is not a tensor";
  TensorInfo info;
  if (auto attribute = attributes.getAs<StringAttr>("nn.name"))
    info.name = attribute.str();
  else
    info.name = (kind + Twine(number)).str();
  if (auto dtype = attributes.getAs<IntegerAttr>("sinter.dtype"))
    info.dtype = dtype.getInt();
  else
    info.dtype = nn::getElementTypeNumber(tensor.getElementType());
  for (int64_t dim : tensor.getShape())
    info.dims.push_back(ShapedType::isDynamic(dim) ? -1 : dim);
  if (auto names = attributes.getAs<ArrayAttr>("nn.dims"))
    for (auto dim : names.getAsRange<StringAttr>())
      info.dimNames.push_back(dim.str());
  info.dimNames.resize(info.dims.size());
  for (auto [dim, dimName] : llvm::zip(info.dims, info.dimNames))
    if (dim >= 0)
      dimName.clear();
  return info;
}

//===----------------------------------------------------------------------===//
// State
//===----------------------------------------------------------------------===//

static int32_t stateKind(StringRef name) {
  static const std::pair<StringRef, int32_t> kinds[] = {
      {"parameter", SINTER_PARAMETER}, {"optimizer", SINTER_OPTIMIZER},
      {"statistic", SINTER_STATISTIC}, {"step", SINTER_STEP},
      {"seed", SINTER_SEED},           {"sample", SINTER_SAMPLE},
      {"carried", SINTER_CARRIED},     {"noise", SINTER_NOISE}};
  for (auto [kind, number] : kinds)
    if (name == kind)
      return number;
  return -1;
}

// What makes the first value: a description's initialiser, or values.
static LogicalResult describeInitializer(func::FuncOp main, Attribute initial, StateInfo &state,
                                         CollectedWeights &weights) {
  if (auto rule = dyn_cast_or_null<DictionaryAttr>(initial)) {
    static const std::pair<StringRef, int32_t> kinds[] = {
        {"constant", SINTER_INIT_CONSTANT},
        {"uniform", SINTER_INIT_UNIFORM},
        {"normal", SINTER_INIT_NORMAL},
        {"truncated_normal", SINTER_INIT_TRUNCATED_NORMAL},
        {"orthogonal", SINTER_INIT_ORTHOGONAL}};
    auto kind = rule.getAs<StringAttr>("kind");
    auto a = rule.getAs<FloatAttr>("a"), b = rule.getAs<FloatAttr>("b");
    auto stream = rule.getAs<IntegerAttr>("stream");
    const auto *found =
        llvm::find_if(kinds, [&](auto &each) { return kind && each.first == kind.getValue(); });
    if (found == std::end(kinds) || !a || !b || !stream)
      return main.emitError("state '") << state.tensor.name << "' has no initialiser: " << initial;
    state.initialization = found->second;
    state.a = a.getValueAsDouble();
    state.b = b.getValueAsDouble();
    state.stream = stream.getInt();
    return success();
  }
  auto elements = dyn_cast_or_null<ElementsAttr>(initial);
  if (!elements)
    return main.emitError("state '") << state.tensor.name << "' has no first value";
  if (!elements.getElementType().isF32())
    return success(); // the runtime's own to set
  nn::HostTensor tensor = nn::HostTensor::fromAttribute(elements);
  if (elements.isSplat()) {
    state.initialization = SINTER_INIT_CONSTANT;
    state.a = tensor.getDouble(0);
    return success();
  }
  state.initialization = SINTER_INIT_VALUES;
  state.values = addWeights(tensor, weights);
  return success();
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

namespace {
class InterfaceBuilder {
public:
  InterfaceBuilder(ModuleOp module, StringRef name, CollectedWeights &weights)
      : module(module), name(name), weights(weights) {}

  FailureOr<ModelInterface> build();

private:
  FailureOr<ModelInterface> buildFunction(StringRef function);
  LogicalResult addState(func::FuncOp function, const TensorInfo &info, DictionaryAttr attributes,
                         std::vector<int32_t> &list);
  static std::string describe(DictionaryAttr settings, const ModelInterface &step);

  ModuleOp module;
  StringRef name;
  CollectedWeights &weights;
  std::vector<StateInfo> states;
  llvm::StringMap<int32_t> numbers;
  bool isTraining = false;
};
} // namespace

LogicalResult InterfaceBuilder::addState(func::FuncOp function, const TensorInfo &info,
                                         DictionaryAttr attributes, std::vector<int32_t> &list) {
  auto [entry, isNew] = numbers.try_emplace(info.name, states.size());
  list.push_back(entry->second);
  if (!isNew)
    return success();
  StateInfo state;
  state.tensor = info;
  state.kind = stateKind(attributes.getAs<StringAttr>("nn.state"));
  if (state.kind < 0)
    return function.emitError("state '") << info.name << "' is of no kind that the library knows";
  if (failed(describeInitializer(function, attributes.get("nn.initial"), state, weights)))
    return failure();
  states.push_back(std::move(state));
  return success();
}

FailureOr<ModelInterface> InterfaceBuilder::buildFunction(StringRef symbol) {
  auto function = module.lookupSymbol<func::FuncOp>(symbol);
  if (!function)
    return module.emitError("there is no function @") << symbol;
  ModelInterface interface;
  interface.name = name.str();
  interface.function = symbol.str();
  auto add = [&](Type type, DictionaryAttr attributes, StringRef kind, unsigned number,
                 std::vector<TensorInfo> &list, std::vector<int32_t> &stateList) -> LogicalResult {
    if (!attributes)
      attributes = DictionaryAttr::get(module.getContext());
    auto info = ::describe(function, type, attributes, kind, number);
    if (failed(info))
      return failure();
    if (attributes.contains("nn.prepared"))
      return success();
    if (isTraining && attributes.contains("nn.state"))
      return addState(function, *info, attributes, stateList);
    list.push_back(*info);
    return success();
  };
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes()))
    if (failed(add(type, function.getArgAttrDict(i), "input", i, interface.inputs,
                   interface.stateInputs)))
      return failure();
  for (auto [i, type] : llvm::enumerate(function.getResultTypes()))
    if (failed(add(type, function.getResultAttrDict(i), "output", i, interface.outputs,
                   interface.stateOutputs)))
      return failure();
  return interface;
}

std::string InterfaceBuilder::describe(DictionaryAttr settings, const ModelInterface &step) {
  llvm::json::Object object;
  for (NamedAttribute setting : settings)
    if (auto text = dyn_cast<StringAttr>(setting.getValue()))
      object[setting.getName().getValue()] = text.getValue();
    else if (auto number = dyn_cast<FloatAttr>(setting.getValue()))
      object[setting.getName().getValue()] = number.getValueAsDouble();
    else if (auto flag = dyn_cast<BoolAttr>(setting.getValue()))
      object[setting.getName().getValue()] = flag.getValue();
  llvm::json::Array metrics;
  for (const TensorInfo &output : llvm::ArrayRef(step.outputs).drop_front())
    metrics.push_back(output.name);
  object["metrics"] = std::move(metrics);
  std::string text;
  llvm::raw_string_ostream(text) << llvm::json::Value(std::move(object));
  return text;
}

FailureOr<ModelInterface> InterfaceBuilder::build() {
  auto settings = module->getAttrOfType<DictionaryAttr>("nn.training");
  isTraining = static_cast<bool>(settings);
  auto step = buildFunction("main");
  if (failed(step) || !isTraining)
    return step;
  auto eval = buildFunction("eval_step"), forward = buildFunction("forward");
  if (failed(eval) || failed(forward))
    return failure();
  auto training = std::make_shared<TrainingInterface>();
  training->evalStep = *eval;
  training->forward = *forward;
  training->states = std::move(states);
  training->description = describe(settings, *step);
  step->training = training;
  return step;
}

std::vector<PreparedTensor> sinter::getPrepared(ModuleOp module) {
  std::vector<PreparedTensor> prepared;
  auto main = module.lookupSymbol<func::FuncOp>("main");
  for (unsigned i = 0; main && i < main.getNumArguments(); ++i)
    if (auto type = dyn_cast<RankedTensorType>(main.getArgumentTypes()[i]);
        type && main.getArgAttr(i, "nn.prepared"))
      prepared.push_back({type.getShape().vec(), nn::getElementBytes(type.getElementType())});
  return prepared;
}

FailureOr<ModelInterface> sinter::getInterface(ModuleOp module, StringRef name,
                                               CollectedWeights &weights) {
  return InterfaceBuilder(module, name, weights).build();
}
