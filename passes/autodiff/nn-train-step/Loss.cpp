//===- Loss.cpp - losses of a batch ---------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/autodiff/nn-train-step/Loss.h"
#include "llvm/ADT/StringExtras.h"
#include <cmath>

using namespace mlir;
using namespace sinter;
using nn::Term;

/// What Keras keeps probabilities away from 0 and 1 by.
static constexpr double epsilon = 1e-7;

Term sinter::meanOfAll(Term x) {
  SmallVector<int64_t> axes = nn::axesRange(0, x.getRank());
  return axes.empty() ? x : x.apply<nn::ReduceOp>(nn::ReduceKind::mean, axes, /*keepdims=*/false);
}

static Term sumOfLast(Term x) {
  return x.apply<nn::ReduceOp>(nn::ReduceKind::sum, ArrayRef<int64_t>{x.getRank() - 1},
                               /*keepdims=*/false);
}

static Term clip(Term x, double low, double high) {
  return x.apply<nn::MaxOp>(x.number(low).get()).apply<nn::MinOp>(x.number(high).get());
}

// Of the logits themselves where the prediction is their softmax, so that nothing overflows
// and both fuse.
Term sinter::classLogs(Term prediction) {
  auto softmax = prediction.get().getDefiningOp<nn::SoftmaxOp>();
  int64_t last = prediction.getRank() - 1;
  if (softmax && softmax.getLog())
    return prediction;
  bool isPlain = softmax && softmax.getAxes() == ArrayRef<int64_t>{last};
  return (isPlain ? prediction.with(softmax.getInput()) : prediction)
      .apply<nn::SoftmaxOp>(ArrayRef<int64_t>{last}, /*log=*/true);
}

// log p of probabilities, or of logits.
static Term logProbabilities(const LossInput &in) {
  Term prediction = in.prediction;
  int64_t last = prediction.getRank() - 1;
  if (in.get("from_logits") != 0)
    return prediction.apply<nn::SoftmaxOp>(ArrayRef<int64_t>{last}, /*log=*/true);
  auto softmax = prediction.get().getDefiningOp<nn::SoftmaxOp>();
  if (softmax && (softmax.getLog() || softmax.getAxes() == ArrayRef<int64_t>{last}))
    return classLogs(prediction);
  return clip(prediction / prediction.sum({last}), epsilon, 1 - epsilon).apply<nn::LogOp>();
}

Term sinter::oneHot(Term prediction, Value classes) {
  OpBuilder &b = prediction.getBuilder();
  Location loc = prediction.getLoc();
  Type element = prediction.getType().getElementType();
  int64_t last = prediction.getRank() - 1;
  Value depth = prediction.with(nn::toTensor(prediction, nn::dimOf(prediction, last))).squeeze({0});
  Value values = nn::ConstantOp::create(
      b, loc,
      DenseElementsAttr::get(
          RankedTensorType::get({2}, element),
          ArrayRef<Attribute>{b.getFloatAttr(element, 0), b.getFloatAttr(element, 1)}));
  return prediction.with(
      nn::OneHotOp::create(b, loc, classes, depth, values, static_cast<int64_t>(last)));
}

static Term crossentropy(Term target, Term logs) { return -meanOfAll(sumOfLast(target * logs)); }

// Szegedy et al., CVPR 2016, section 7: a share of each target belongs to all classes.
static Term categoricalCrossentropy(const LossInput &in) {
  Term logs = logProbabilities(in), loss = crossentropy(in.prediction.with(in.target), logs);
  double share = in.get("label_smoothing");
  return share == 0 ? loss : loss * (1 - share) - meanOfAll(logs) * share;
}

static Term sparseCategoricalCrossentropy(const LossInput &in) {
  return crossentropy(oneHot(in.prediction, in.target), logProbabilities(in));
}

static Term binaryCrossentropy(const LossInput &in) {
  Term y = in.prediction.with(in.target);
  if (double share = in.get("label_smoothing"); share != 0)
    y = y * (1 - share) + share / 2;
  auto sigmoid = in.prediction.get().getDefiningOp<nn::SigmoidOp>();
  bool takesLogits = in.get("from_logits") != 0;
  if (sigmoid || takesLogits) {
    // −y log σ(x) − (1 − y) log(1 − σ(x)) = softplus(x) − x y
    Term x = takesLogits ? in.prediction : in.prediction.with(sigmoid.getInput());
    return meanOfAll(x.apply<nn::SoftplusOp>() - x * y);
  }
  Term p = clip(in.prediction, epsilon, 1 - epsilon);
  return -meanOfAll(y * p.apply<nn::LogOp>() + (1 - y) * (1 - p).apply<nn::LogOp>());
}

static Term meanSquaredError(const LossInput &in) {
  Term difference = in.difference();
  return meanOfAll(difference * difference);
}

static Term meanAbsoluteError(const LossInput &in) {
  return meanOfAll(in.difference().apply<nn::AbsOp>());
}

// Squares up to a distance of δ, then straight.
static Term huber(const LossInput &in) {
  double delta = in.get("delta");
  Term distance = in.difference().apply<nn::AbsOp>();
  Term isNear = distance.compare(nn::ComparePredicate::le, delta);
  return meanOfAll(
      nn::select(isNear, distance * distance * 0.5, distance * delta - delta * delta / 2));
}

static Term klDivergence(const LossInput &in) {
  Term y = clip(in.prediction.with(in.target), epsilon, 1);
  return meanOfAll(sumOfLast(y * (y / clip(in.prediction, epsilon, 1)).apply<nn::LogOp>()));
}

static ArrayRef<LossKind> getLosses() {
  static const LossKind losses[] = {
      {"sparse_categorical_crossentropy",
       TargetKind::classes,
       true,
       {{"from_logits", 0}},
       sparseCategoricalCrossentropy},
      {"categorical_crossentropy",
       TargetKind::values,
       true,
       {{"from_logits", 0}, {"label_smoothing", 0}},
       categoricalCrossentropy},
      {"binary_crossentropy",
       TargetKind::values,
       false,
       {{"from_logits", 0}, {"label_smoothing", 0}},
       binaryCrossentropy},
      {"mean_squared_error", TargetKind::values, false, {}, meanSquaredError},
      {"mean_absolute_error", TargetKind::values, false, {}, meanAbsoluteError},
      {"huber", TargetKind::values, false, {{"delta", 1}}, huber},
      {"kl_divergence", TargetKind::values, false, {}, klDivergence},
      {"ctc", TargetKind::labels, false, {{"zero_infinity", 0}}, buildCtc, checkCtc},
      {"negative_sampling",
       TargetKind::classes,
       false,
       {{"negatives", 5}, {"power", 0.75}},
       buildNegativeSampling,
       checkNegativeSampling,
       sharesByRank},
      {"glove", TargetKind::values, false, {{"x_max", 100}, {"alpha", 0.75}}, buildGlove},
  };
  return losses;
}

std::optional<Loss> Loss::parse(StringRef text, std::string &error) {
  auto [name, given] = text.split(':');
  const auto *found = llvm::find_if(
      getLosses(), [&, key = name](const LossKind &kind) { return kind.name == key; });
  if (found == getLosses().end()) {
    error = "there is no loss '" + name.str() + "'; known: " +
            llvm::join(
                llvm::map_range(getLosses(), [](const LossKind &kind) { return kind.name.str(); }),
                ", ");
    return std::nullopt;
  }
  Loss loss(*found);
  for (auto [key, value] : found->settings)
    loss.settings[key] = value;
  if (!readSettings(given, loss.settings, "loss '" + name + "'", error))
    return std::nullopt;
  for (auto [key, usual] : found->settings) {
    double value = loss.settings.lookup(key);
    bool isShare = key == "label_smoothing";
    if (!(value >= 0) || !std::isfinite(value) || (isShare && value > 1)) {
      error = ("setting '" + key + "' of loss '" + name + "' should be " +
               (isShare ? "from 0 to 1" : "a number that is not negative"))
                  .str();
      return std::nullopt;
    }
  }
  return loss;
}

RankedTensorType Loss::getTargetType(RankedTensorType prediction) const {
  ArrayRef<int64_t> shape = prediction.getShape();
  Type index = IntegerType::get(prediction.getContext(), 64);
  switch (kind->target) {
  case TargetKind::values:
    return prediction;
  case TargetKind::classes:
    return RankedTensorType::get(shape.drop_back(), index);
  case TargetKind::labels:
    return RankedTensorType::get({shape.front(), ShapedType::kDynamic}, index);
  }
  llvm_unreachable("unknown kind of target");
}

Term Loss::buildAccuracy(Term prediction, Value target) const {
  auto classOf = [&](Value scores) {
    return prediction.with(nn::ArgReduceOp::create(prediction.getBuilder(), prediction.getLoc(),
                                                   scores, nn::ArgKind::max,
                                                   prediction.getRank() - 1,
                                                   /*keepdims=*/false,
                                                   /*select_last_index=*/false));
  };
  Term expected = kind->target == TargetKind::classes ? prediction.with(target) : classOf(target);
  Term hit = classOf(prediction).compare(nn::ComparePredicate::eq, expected);
  return meanOfAll(hit.apply<nn::CastOp>(TypeAttr::get(prediction.getType().getElementType())));
}
