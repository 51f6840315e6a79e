//===- CompiledStep.cpp - a training library, opened ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/fit/CompiledStep.h"
#include "runtime/training/Error.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <dlfcn.h>
#include <nlohmann/json.hpp>
#include <sstream>

using namespace sinter::training;

static ElementType elementType(const SinterTensorInfo &info) {
  if (info.dtype.code == kDLFloat && info.dtype.bits == 32)
    return ElementType::F32;
  if (info.dtype.code == kDLFloat && info.dtype.bits == 64)
    return ElementType::F64;
  if (info.dtype.code == kDLInt && info.dtype.bits == 32)
    return ElementType::I32;
  if (info.dtype.code == kDLInt && info.dtype.bits == 64)
    return ElementType::I64;
  throw Error(std::string("'") + info.name + "' has an element type that no data can be made of; " +
              "float32, float64, int32 and int64 are known");
}

static DLDataType dtypeOf(ElementType type) {
  DLDataType result = {};
  result.code = isInteger(type) ? kDLInt : kDLFloat;
  result.bits = static_cast<uint8_t>(8 * elementBytes(type));
  result.lanes = 1;
  return result;
}

static std::vector<int64_t> shapeOf(const SinterTensorInfo &info) {
  return std::vector<int64_t>(info.dims, info.dims + info.rank);
}

static DLTensor tensorOf(const Tensor &tensor) {
  return sinter_tensor(tensor.bytes.data(), dtypeOf(tensor.type),
                       static_cast<int32_t>(tensor.shape.size()), tensor.shape.data());
}

CompiledStep::CompiledStep(const std::string &path, int32_t threads)
    : path(path), threads(threads) {
  // It stays open: the last instructions of worker threads may still run.
  void *handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    throw Error(std::string("can't load ") + dlerror());
  auto function = reinterpret_cast<SinterTrainingFunction>(dlsym(handle, "sinter_training"));
  if (!function)
    throw Error(path + " is no training library; compile the model with --train");
  training = function();
  if (training->abi_version != SINTER_ABI_VERSION)
    throw Error(path + " was compiled for another version of Sinter's interface; compile it again");
  auto description = nlohmann::json::parse(training->description, nullptr, false);
  if (!description.is_object())
    throw Error(path + ": its description is no JSON object; compile it again");
  learningRate = description.value("learning_rate", 0.001);
  rule =
      "loss=" + description.value("loss", "") + " optimizer=" + description.value("optimizer", "");
  noisePower = description.value("noise_power", 1.0);
  isDataParallel = description.value("data_parallel", false);
  std::istringstream names(description.value("prediction_metrics", ""));
  for (std::string name; std::getline(names, name, ',');)
    predictionMetrics.push_back(name);
  trainContext = createContext(training->train_step);
  evalContext = createContext(training->eval_step);
  check(training->eval_step, evalContext, training->share(evalContext, trainContext));
}

CompiledStep::~CompiledStep() {
  training->eval_step->context_destroy(evalContext);
  training->train_step->context_destroy(trainContext);
}

SinterContext *CompiledStep::createContext(const SinterModel *model) const {
  SinterContextOptions options = {};
  options.struct_size = sizeof options;
  options.threads = threads;
  char words[512];
  options.error = words;
  options.error_bytes = sizeof words;
  SinterContext *context = nullptr;
  if (model->context_create(model, &options, &context) != SINTER_OK)
    throw Error(path + ", compiled for " + model->target + ": " + words);
  return context;
}

void CompiledStep::check(const SinterModel *model, SinterContext *context, SinterStatus status) {
  if (status == SINTER_OK)
    return;
  std::string message = model->last_error(context);
  throw Error(std::string(model->name) + ": " +
              (message.empty() ? model->status_text(status) : message));
}

Feeds CompiledStep::getFeeds() const {
  const SinterModel *model = training->train_step;
  auto slotOf = [](const SinterTensorInfo &info) {
    Slot slot;
    slot.name = info.name;
    slot.type = elementType(info);
    slot.shape = shapeOf(info);
    if (slot.shape.empty())
      throw Error("the model's '" + slot.name +
                  "' is one number for all samples; its first dim "
                  "must be the batch");
    slot.shape.erase(slot.shape.begin());
    return slot;
  };
  Feeds feeds;
  for (int32_t i = 0; i + 2 < model->input_count; ++i)
    feeds.inputs.push_back(slotOf(model->inputs[i]));
  feeds.target = slotOf(model->inputs[model->input_count - 2]);
  // The model's first output has a number for each class.
  const SinterTensorInfo &prediction = training->forward->outputs[0];
  if (isInteger(feeds.target.type) && prediction.rank > 0)
    feeds.target.classes = std::max<int64_t>(prediction.dims[prediction.rank - 1], 0);
  return feeds;
}

std::vector<std::string> CompiledStep::getMetricNames() const {
  std::vector<std::string> names;
  for (int32_t i = 1; i < training->train_step->output_count; ++i)
    names.emplace_back(training->train_step->outputs[i].name);
  return names;
}

int64_t CompiledStep::getFixedBatch() const {
  return std::max<int64_t>(training->train_step->inputs[0].dims[0], 0);
}

bool CompiledStep::isStateful() const {
  return std::any_of(training->states, training->states + training->state_count,
                     [](const SinterStateInfo &info) { return info.kind == SINTER_CARRIED; });
}

void CompiledStep::init(uint64_t seed) {
  check(training->train_step, trainContext, training->init(trainContext, seed));
}

void *CompiledStep::getStateMemory(int32_t index) {
  DLTensor tensor = {};
  check(training->train_step, trainContext, training->state(trainContext, index, &tensor));
  return static_cast<char *>(tensor.data) + tensor.byte_offset;
}

void CompiledStep::resetStates() {
  for (int32_t i = 0; i < training->state_count; ++i) {
    const SinterTensorInfo &info = training->states[i].tensor;
    if (training->states[i].kind == SINTER_CARRIED)
      std::memset(getStateMemory(i), 0,
                  countElements(shapeOf(info)) * elementBytes(elementType(info)));
  }
}

// Classes that the data does not know are never drawn.
void CompiledStep::setClassCounts(const std::vector<int64_t> &counts) {
  auto weigh = [&](size_t c) {
    return c < counts.size() && counts[c] ? std::pow(static_cast<double>(counts[c]), noisePower)
                                          : 0;
  };
  for (int32_t i = 0; i < training->state_count; ++i) {
    if (training->states[i].kind != SINTER_NOISE)
      continue;
    auto *cumulative = static_cast<float *>(getStateMemory(i));
    size_t classes = countElements(shapeOf(training->states[i].tensor));
    double all = 0, sum = 0;
    for (size_t c = 0; c < classes; ++c)
      all += weigh(c);
    for (size_t c = 0; c < classes; ++c)
      cumulative[c] = static_cast<float>((sum += weigh(c)) / all);
  }
}

// But for what only says which part of the batch this process has.
std::vector<TensorView> CompiledStep::getState() {
  std::vector<TensorView> state;
  for (int32_t i = 0; i < training->state_count; ++i) {
    const SinterTensorInfo &info = training->states[i].tensor;
    if (training->states[i].kind != SINTER_SAMPLE)
      state.push_back({info.name, elementType(info), shapeOf(info), getStateMemory(i)});
  }
  return state;
}

// Loss and metrics come first in both models.
StepResult CompiledStep::run(const SinterModel *model, SinterContext *context, const Batch &batch,
                             const float *rate, std::vector<DLTensor> &outputs) {
  std::vector<DLTensor> inputs;
  for (const Tensor &tensor : batch.inputs)
    inputs.push_back(tensorOf(tensor));
  inputs.push_back(tensorOf(batch.target));
  if (rate)
    inputs.push_back(sinter_tensor(rate, dtypeOf(ElementType::F32), 0, nullptr));
  outputs.assign(model->output_count, DLTensor());
  for (int32_t i = 0; i < model->output_count; ++i) {
    outputs[i].device.device_type = kDLCPU;
    outputs[i].dtype = model->outputs[i].dtype;
  }
  check(model, context,
        model->run(context, inputs.data(), static_cast<int32_t>(inputs.size()), outputs.data(),
                   model->output_count));
  auto number = [&](int32_t i) {
    const char *at = static_cast<const char *>(outputs[i].data) + outputs[i].byte_offset;
    return outputs[i].dtype.bits == 64 ? *reinterpret_cast<const double *>(at)
                                       : *reinterpret_cast<const float *>(at);
  };
  StepResult result;
  result.loss = number(0);
  for (int32_t i = 1; i < training->train_step->output_count; ++i)
    result.metrics.push_back(number(i));
  return result;
}

StepResult CompiledStep::train(const Batch &batch, double learningRate) {
  auto rate = static_cast<float>(learningRate);
  part = static_cast<float>(batch.size) / static_cast<float>(batch.global);
  for (int32_t i = 0; i < training->state_count; ++i)
    if (training->states[i].kind == SINTER_SAMPLE)
      *static_cast<int64_t *>(getStateMemory(i)) = batch.first;
  return run(training->train_step, trainContext, batch, &rate, trainOutputs);
}

StepResult CompiledStep::evaluate(const Batch &batch) {
  StepResult result = run(training->eval_step, evalContext, batch, nullptr, evalOutputs);
  int32_t first = training->train_step->output_count;
  const DLTensor &prediction = evalOutputs[first];
  result.prediction = {training->eval_step->outputs[first].name,
                       elementType(training->eval_step->outputs[first]),
                       std::vector<int64_t>(prediction.shape, prediction.shape + prediction.ndim),
                       static_cast<char *>(prediction.data) + prediction.byte_offset};
  return result;
}

void CompiledStep::share(Processes &others) {
  if (!isDataParallel)
    throw UsageError(path + " was not compiled for several processes; compile it with "
                            "--data-parallel, or run it without mpirun");
  if (isStateful())
    throw UsageError(path + " has layers that keep a state from batch to batch; their states are "
                            "one process's: run it without mpirun");
  processes = &others;
  check(training->train_step, trainContext,
        training->set_all_reduce(trainContext, beginAllReduce, endAllReduce, this));
}

// What is thrown must not pass through the library: the step fails, and train() throws.
template <typename Function>
static int32_t withoutExceptions(Function function) {
  try {
    function();
  } catch (const std::exception &) {
    return 1;
  }
  return 0;
}

// Each process's mean counts as much as its samples.
int32_t CompiledStep::beginAllReduce(void *self, float *numbers, int64_t count) {
  auto *step = static_cast<CompiledStep *>(self);
  for (int64_t i = 0; i < count; ++i)
    numbers[i] *= step->part;
  return withoutExceptions([&] { step->processes->beginSum(numbers, count); });
}

int32_t CompiledStep::endAllReduce(void *self, float *numbers) {
  auto *step = static_cast<CompiledStep *>(self);
  return withoutExceptions([&] { step->processes->endSum(numbers); });
}
