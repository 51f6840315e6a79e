//===- Progress.cpp - what a run says while it goes -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/fit/Progress.h"
#include <cmath>

using namespace sinter::training;
using Clock = std::chrono::steady_clock;

static constexpr double UpdateSeconds = 0.1;
static constexpr int BarWidth = 20;

std::string sinter::training::formatDuration(double seconds) {
  auto whole = static_cast<long>(std::lround(std::max(0.0, seconds)));
  char text[64];
  if (whole >= 3600)
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
  else
    std::snprintf(text, sizeof text, "%ld:%02ld", whole / 60, whole % 60);
  return text;
}

std::string sinter::training::formatNumber(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

Progress::Progress(std::FILE *out, bool isTerminal, int64_t epochs,
                   std::vector<std::string> metricNames)
    : out(out), isTerminal(isTerminal), epochs(epochs), names(std::move(metricNames)) {}

double Progress::secondsSince(Clock::time_point time) const {
  return std::chrono::duration<double>(Clock::now() - time).count();
}

void Progress::startEpoch(int64_t number, std::optional<int64_t> count) {
  epoch = number;
  batches = count;
  firstBatch = -1;
  samplesDone = 0;
  started = updated = Clock::now();
}

void Progress::update(int64_t batch, int64_t samples, double loss,
                      const std::vector<double> &metrics) {
  if (firstBatch < 0)
    firstBatch = batch - 1;
  samplesDone += samples;
  if (!out || !isTerminal || secondsSince(updated) < UpdateSeconds)
    return;
  updated = Clock::now();
  double seconds = secondsSince(started);
  std::string line = "epoch " + std::to_string(epoch + 1) + "/" + std::to_string(epochs) + " ";
  if (batches) {
    auto filled = static_cast<int>(BarWidth * batch / *batches);
    line += "[" + std::string(filled, '=') + std::string(BarWidth - filled, ' ') + "] ";
  }
  line += std::to_string(batch) + (batches ? "/" + std::to_string(*batches) : "");
  line += "  loss " + formatNumber(loss);
  for (size_t i = 0; i < metrics.size() && i < names.size(); ++i)
    line += "  " + names[i] + " " + formatNumber(metrics[i]);
  line += "  " + std::to_string(std::lround(samplesDone / seconds)) + " samples/s";
  if (batches) {
    double each = seconds / static_cast<double>(batch - firstBatch);
    double left = each * static_cast<double>(*batches - batch + (epochs - epoch - 1) * *batches);
    line += "  " + formatDuration(left) + " left";
  }
  std::fprintf(out, "\r\033[K%s", line.c_str());
  std::fflush(out);
  shown = true;
}

void Progress::clear() {
  if (shown)
    std::fputs("\r\033[K", out);
  shown = false;
}

void Progress::endEpoch(const EpochRecord &record,
                        const std::vector<std::string> &validationNames) {
  if (!out)
    return;
  clear();
  std::string line = "epoch " + std::to_string(record.epoch + 1) + "/" + std::to_string(epochs) +
                     "  " + formatDuration(record.seconds) + "  loss " + formatNumber(record.loss);
  for (size_t i = 0; i < record.metrics.size() && i < names.size(); ++i)
    line += "  " + names[i] + " " + formatNumber(record.metrics[i]);
  if (!std::isnan(record.validationLoss))
    line += "  validation: loss " + formatNumber(record.validationLoss);
  for (size_t i = 0; i < record.validationMetrics.size(); ++i)
    line += "  " + validationNames[i] + " " + formatNumber(record.validationMetrics[i]);
  line += "  " +
          std::to_string(std::lround(static_cast<double>(samplesDone) /
                                     std::max(1e-9, secondsSince(started)))) +
          " samples/s";
  std::fprintf(out, "%s\n", line.c_str());
  std::fflush(out);
}

void Progress::say(const std::string &text) {
  if (!out)
    return;
  clear();
  std::fprintf(out, "%s\n", text.c_str());
  std::fflush(out);
}
