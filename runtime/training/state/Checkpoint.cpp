//===- Checkpoint.cpp - a training run at one moment ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/state/Checkpoint.h"
#include "runtime/training/Error.h"
#include "runtime/training/state/Safetensors.h"
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

using namespace sinter::training;
using nlohmann::json;

// What JSON has no number for is null.
static json number(double value) { return std::isfinite(value) ? json(value) : json(); }
static double number(const json &value, double otherwise) {
  return value.is_null() ? otherwise : value.get<double>();
}

static json write(const EpochRecord &record) {
  return {{"epoch", record.epoch},
          {"seconds", record.seconds},
          {"learning_rate", record.learningRate},
          {"loss", number(record.loss)},
          {"metrics", record.metrics},
          {"validation_loss", number(record.validationLoss)},
          {"validation_metrics", record.validationMetrics}};
}

static std::vector<double> readNumbers(const json &array) {
  std::vector<double> numbers;
  for (const json &each : array)
    numbers.push_back(number(each, NAN));
  return numbers;
}

// A number of things, as large as a run can get them to be.
static int64_t readCount(const json &object, const char *key) {
  constexpr int64_t Most = int64_t(1) << 40;
  const json &value = object.at(key);
  if (!value.is_number_integer() || value < 0 || value > Most)
    throw Error(std::string(key) + " is " + value.dump());
  return value;
}

static EpochRecord readRecord(const json &object) {
  EpochRecord record;
  record.epoch = object.at("epoch");
  record.seconds = object.at("seconds");
  record.learningRate = object.at("learning_rate");
  record.loss = number(object.at("loss"), NAN);
  record.metrics = readNumbers(object.at("metrics"));
  record.validationLoss = number(object.at("validation_loss"), NAN);
  record.validationMetrics = readNumbers(object.at("validation_metrics"));
  return record;
}

void sinter::training::writeCheckpoint(const std::string &path,
                                       const std::vector<TensorView> &state,
                                       const Position &position) {
  json object = {{"seed", position.seed},
                 {"epoch", position.epoch},
                 {"batch", position.batch},
                 {"step", position.step},
                 {"loss_sum", position.lossSum},
                 {"metric_sums", position.metricSums},
                 {"samples", position.samples},
                 {"best_loss", number(position.bestLoss)},
                 {"epochs_since_best", position.epochsSinceBest},
                 {"setting", position.setting},
                 {"learning", position.learning}};
  object["history"] = json::array();
  for (const EpochRecord &record : position.history)
    object["history"].push_back(write(record));
  writeSafetensors(path, state, {{"format", "sinter-checkpoint-1"}, {"position", object.dump()}});
}

static Position readPosition(const std::string &path, const Metadata &metadata) {
  auto format = metadata.find("format"), text = metadata.find("position");
  if (format == metadata.end() || format->second != "sinter-checkpoint-1" || text == metadata.end())
    throw Error(path + " is no checkpoint of sinter fit: it has parameters, but no position");
  try {
    json object = json::parse(text->second);
    Position position;
    position.seed = object.at("seed");
    position.epoch = readCount(object, "epoch");
    position.batch = readCount(object, "batch");
    position.step = readCount(object, "step");
    position.lossSum = object.at("loss_sum");
    position.metricSums = readNumbers(object.at("metric_sums"));
    position.samples = readCount(object, "samples");
    position.bestLoss = number(object.at("best_loss"), std::numeric_limits<double>::infinity());
    position.epochsSinceBest = readCount(object, "epochs_since_best");
    position.setting = object.at("setting");
    position.learning = object.value("learning", "");
    for (const json &record : object.at("history"))
      position.history.push_back(readRecord(record));
    return position;
  } catch (const std::exception &error) {
    throw Error(path + ": its position is damaged (" + error.what() +
                "); resume from another checkpoint");
  }
}

Position sinter::training::readCheckpoint(const std::string &path,
                                          const std::vector<TensorView> &state) {
  Safetensors file = readSafetensors(path);
  Position position = readPosition(path, file.metadata);
  std::vector<const Tensor *> found;
  for (const TensorView &view : state) {
    const Tensor *match = nullptr;
    for (const Tensor &tensor : file.tensors)
      if (tensor.name == view.name)
        match = &tensor;
    std::string wanted = elementName(view.type) + describeShape(view.shape);
    if (!match)
      throw Error(path + " has no '" + view.name + "', " + wanted +
                  ": it was written by a run of another model or optimizer");
    if (match->type != view.type || match->shape != view.shape)
      throw Error(path + ": '" + view.name + "' is " + elementName(match->type) +
                  describeShape(match->shape) + ", and the model's is " + wanted +
                  ": it was written by a run of another model");
    found.push_back(match);
  }
  if (file.tensors.size() != state.size())
    throw Error(path + " has " + std::to_string(file.tensors.size()) + " tensors, and the model " +
                std::to_string(state.size()) +
                ": it was written by a run of another model or optimizer");
  for (size_t i = 0; i < state.size(); ++i)
    std::memcpy(state[i].data, found[i]->bytes.data(), state[i].byteCount());
  return position;
}
