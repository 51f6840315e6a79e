//===- Schedule.cpp - the learning rate of each step ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/fit/Schedule.h"
#include "runtime/training/Error.h"
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <sstream>

using namespace sinter::training;

Schedule::Schedule(const std::string &text, double rate, int64_t warmup)
    : base(rate), warmup(warmup) {
  std::string name = text.substr(0, text.find(':'));
  auto fail = [&](const std::string &what) {
    throw UsageError("--schedule " + text + ": " + what +
                     "; there are constant, step:every=EPOCHS,factor=F and cosine:final=F");
  };
  if (name == "step")
    kind = Kind::Step;
  else if (name == "cosine")
    kind = Kind::Cosine;
  else if (name != "constant")
    fail("there is no '" + name + "'");
  if (name.size() == text.size())
    return;
  std::istringstream settings(text.substr(name.size() + 1));
  for (std::string setting; std::getline(settings, setting, ',');) {
    size_t equals = setting.find('=');
    std::string key = setting.substr(0, equals);
    const char *start = equals == std::string::npos ? "" : setting.c_str() + equals + 1;
    char *end = nullptr;
    double value = std::strtod(start, &end);
    if (end == start || *end || value < 0)
      fail("'" + setting + "' is not NAME=NUMBER");
    if (kind == Kind::Step && key == "every" && value >= 1)
      every = static_cast<int64_t>(value);
    else if (kind == Kind::Step && key == "factor")
      factor = value;
    else if (kind == Kind::Cosine && key == "final")
      final = value;
    else
      fail("'" + setting + "' is no setting of it");
  }
}

double Schedule::rate(int64_t step, int64_t total, int64_t perEpoch) const {
  if (step < warmup)
    return base * static_cast<double>(step + 1) / static_cast<double>(warmup);
  if (kind == Kind::Step)
    return base * std::pow(factor, perEpoch > 0 ? step / perEpoch / every : 0);
  if (kind == Kind::Cosine) {
    double length = static_cast<double>(std::max<int64_t>(total - warmup, 1));
    double part = std::min(1.0, static_cast<double>(step - warmup) / length);
    return base * (final + (1 - final) * 0.5 * (1 + std::cos(part * M_PI)));
  }
  return base;
}
