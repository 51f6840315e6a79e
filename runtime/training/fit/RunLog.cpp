//===- RunLog.cpp - a run as lines of JSON --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/fit/RunLog.h"
#include "runtime/training/Error.h"
#include "runtime/training/data/Bytes.h"
#include "runtime/training/state/AtomicFile.h"
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

using namespace sinter::training;
using nlohmann::ordered_json;

static bool isBelow(const ordered_json &object, const char *key, int64_t limit) {
  auto found = object.find(key);
  return found != object.end() && found->is_number_integer() && found->get<int64_t>() < limit;
}

// The lines of the steps and epochs that will not run again; what a killed run wrote in part
// is left out.
static std::string linesBefore(const std::string &path, const Position &position) {
  std::ifstream input(path);
  std::string kept;
  for (std::string text; std::getline(input, text);) {
    ordered_json object = ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (isBelow(object, "step", position.step) &&
        (!object.contains("end_of_epoch") || isBelow(object, "end_of_epoch", position.epoch)))
      kept += text + "\n";
  }
  return kept;
}

RunLog::RunLog(const std::string &path, const Position *from) : path(path) {
  if (path.empty())
    return;
  bool goesOn = from && isFile(path);
  if (goesOn) {
    // The file that a link leads to is replaced, and not the link.
    std::unique_ptr<char, void (*)(void *)> real(realpath(path.c_str(), nullptr), std::free);
    if (!real)
      failOnFile("write", path);
    AtomicFile start(real.get());
    start.write(linesBefore(path, *from));
    start.commit();
  }
  file.reset(std::fopen(path.c_str(), goesOn ? "ae" : "we"));
  if (!file)
    failOnFile("write", path);
}

void RunLog::line(const std::string &text) {
  if (std::fprintf(file.get(), "%s\n", text.c_str()) < 0 || std::fflush(file.get()) != 0)
    failOnFile("write", path);
}

static void addMetrics(ordered_json &object, const std::string &prefix,
                       const std::vector<std::string> &names, const std::vector<double> &values) {
  for (size_t i = 0; i < values.size(); ++i)
    object[prefix + names[i]] = values[i];
}

void RunLog::step(int64_t step, int64_t epoch, double learningRate, double loss,
                  const std::vector<std::string> &names, const std::vector<double> &metrics) {
  if (!file)
    return;
  ordered_json object = {
      {"step", step}, {"epoch", epoch}, {"learning_rate", learningRate}, {"loss", loss}};
  addMetrics(object, "", names, metrics);
  line(object.dump());
}

void RunLog::epoch(const EpochRecord &record, int64_t step, const std::vector<std::string> &names,
                   const std::vector<std::string> &validationNames) {
  if (!file)
    return;
  ordered_json object = {{"end_of_epoch", record.epoch},
                         {"step", step},
                         {"seconds", record.seconds},
                         {"loss", record.loss}};
  addMetrics(object, "", names, record.metrics);
  if (!std::isnan(record.validationLoss))
    object["validation_loss"] = record.validationLoss;
  addMetrics(object, "validation_", validationNames, record.validationMetrics);
  line(object.dump());
}

void sinter::training::writeNames(const std::string &path, const std::vector<std::string> &names) {
  AtomicFile file(path);
  // What is no UTF-8 (single bytes) is replaced.
  file.write(ordered_json(names).dump(-1, ' ', false, ordered_json::error_handler_t::replace));
  file.commit();
}
