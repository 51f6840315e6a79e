//===- Evaluation.cpp - figures over a whole set --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/fit/Evaluation.h"
#include "runtime/training/Error.h"
#include "runtime/training/data/Prefetch.h"
#include <algorithm>
#include <charconv>

using namespace sinter::training;

void Means::add(const StepResult &result, int64_t count) {
  auto weight = static_cast<double>(count);
  lossSum += result.loss * weight;
  metricSums.resize(result.metrics.size());
  for (size_t i = 0; i < metricSums.size(); ++i)
    metricSums[i] += result.metrics[i] * weight;
  samples += count;
}

std::vector<double> Means::metrics() const {
  std::vector<double> means;
  for (double sum : metricSums)
    means.push_back(sum / static_cast<double>(samples));
  return means;
}

PredictionMetric::PredictionMetric(const std::string &name) : name(name) {
  const char *end = name.data() + name.size();
  if (name == "mae") {
    kind = Kind::AbsoluteError;
  } else if (name == "exact") {
    kind = Kind::Exact;
  } else if (name == "perplexity") {
    kind = Kind::Perplexity;
  } else {
    kind = Kind::TopK;
    auto [rest, error] = name.rfind("top", 0) == 0
                             ? std::from_chars(name.data() + 3, end, k)
                             : std::from_chars_result{end, std::errc::invalid_argument};
    if (error != std::errc() || rest != end || k < 1)
      throw UsageError("--metrics " + name +
                       ": there are topK (as top5), exact, mae and perplexity; " +
                       "accuracy comes with the loss");
  }
}

// Element `index` of a tensor of real numbers.
static double realAt(const TensorView &tensor, int64_t index) {
  return tensor.type == ElementType::F64 ? static_cast<const double *>(tensor.data)[index]
                                         : static_cast<const float *>(tensor.data)[index];
}
static TensorView viewOf(const Tensor &tensor) {
  return {tensor.name, tensor.type, tensor.shape, const_cast<char *>(tensor.bytes.data())};
}
// Of a model whose classes are a dynamic dim, no one has checked the labels before.
static int64_t classAt(const Tensor &target, int64_t index, int64_t classes) {
  int64_t label =
      target.type == ElementType::I64 ? target.as<int64_t>()[index] : target.as<int32_t>()[index];
  if (label < 0 || label >= classes)
    throw Error("label " + std::to_string(label) + " of the validation set is not one of the " +
                std::to_string(classes) + " classes of the model's output; repair the sample, or " +
                "give the model more classes");
  return label;
}

// Whether the prediction has one number a class for each of the target's.
static bool isClassification(const TensorView &prediction, const Tensor &target) {
  return isInteger(target.type) && !isInteger(prediction.type) && !prediction.shape.empty() &&
         std::equal(target.shape.begin(), target.shape.end(), prediction.shape.begin(),
                    prediction.shape.end() - 1);
}

void PredictionMetric::add(const TensorView &prediction, const Tensor &target) {
  if (kind == Kind::Perplexity)
    return;
  int64_t elements = countElements(target.shape);
  count += elements;
  if (kind == Kind::AbsoluteError) {
    if (isInteger(target.type) || countElements(prediction.shape) != elements)
      throw UsageError("--metrics mae is for targets that are real numbers");
    for (int64_t i = 0; i < elements; ++i)
      sum += std::abs(realAt(prediction, i) - realAt(viewOf(target), i));
    return;
  }
  if (!isClassification(prediction, target))
    throw UsageError("--metrics " + name + " is for targets that are classes");
  int64_t classes = prediction.shape.back();
  auto isAmongBest = [&](int64_t i, int64_t most) {
    double chosen = realAt(prediction, i * classes + classAt(target, i, classes));
    int64_t better = 0;
    for (int64_t c = 0; c < classes; ++c)
      better += realAt(prediction, i * classes + c) > chosen;
    return better < most;
  };
  if (kind == Kind::TopK) {
    for (int64_t i = 0; i < elements; ++i)
      sum += isAmongBest(i, k);
    return;
  }
  int64_t samples = target.shape[0], each = elements / samples;
  count += samples - elements; // samples are counted, not elements
  for (int64_t sample = 0; sample < samples; ++sample) {
    bool right = true;
    for (int64_t i = 0; i < each; ++i)
      right &= isAmongBest(sample * each + i, 1);
    sum += right;
  }
}

double PredictionMetric::value(double loss) const {
  return kind == Kind::Perplexity ? std::exp(loss) : sum / static_cast<double>(count);
}

// More classes than a page can show have no matrix.
static constexpr int64_t MostClasses = 100;

static void addConfusion(const TensorView &prediction, const Tensor &target,
                         std::vector<std::vector<int64_t>> &confusion) {
  if (!isClassification(prediction, target) || target.shape.size() != 1 ||
      prediction.shape[1] > MostClasses || prediction.shape[1] < 2)
    return;
  int64_t classes = prediction.shape[1];
  confusion.resize(classes, std::vector<int64_t>(classes));
  for (int64_t i = 0; i < target.shape[0]; ++i) {
    int64_t best = 0;
    for (int64_t c = 1; c < classes; ++c)
      if (realAt(prediction, i * classes + c) > realAt(prediction, i * classes + best))
        best = c;
    ++confusion[classAt(target, i, classes)][best];
  }
}

Evaluation sinter::training::evaluate(Step &step, Batches &batches,
                                      const std::vector<std::string> &metrics) {
  std::vector<PredictionMetric> asked(metrics.begin(), metrics.end());
  Evaluation result;
  Means means;
  step.resetStates();
  Prefetch prefetch(batches, 0, 0);
  for (Batch batch; prefetch.next(batch);) {
    StepResult each = step.evaluate(batch);
    means.add(each, batch.size);
    for (PredictionMetric &metric : asked)
      metric.add(each.prediction, batch.target);
    addConfusion(each.prediction, batch.target, result.confusion);
  }
  if (means.samples == 0)
    throw Error("the validation set gives no batch; give more data, or a smaller --batch");
  result.loss = means.loss();
  result.metrics = means.metrics();
  for (const PredictionMetric &metric : asked)
    result.metrics.push_back(metric.value(result.loss));
  return result;
}
