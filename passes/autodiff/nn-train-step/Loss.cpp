//===- Loss.cpp - losses of a batch ---------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/autodiff/nn-train-step/Loss.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace sinter;
using nn::Term;

/// What Keras keeps probabilities away from 0 and 1 by.
static constexpr double epsilon = 1e-7;

// The mean over all dims, a scalar.
static Term meanOfAll(Term x) {
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

// log p of a prediction's probabilities: of the logits themselves where the
// prediction is their softmax, so that nothing overflows and both fuse.
static Term logProbabilities(Term prediction) {
  auto softmax = prediction.get().getDefiningOp<nn::SoftmaxOp>();
  int64_t last = prediction.getRank() - 1;
  if (softmax && !softmax.getLog() && softmax.getAxes() == ArrayRef<int64_t>{last})
    return prediction.with(softmax.getInput()).apply<nn::SoftmaxOp>(ArrayRef<int64_t>{last}, true);
  if (softmax && softmax.getLog())
    return prediction;
  return clip(prediction / prediction.sum({last}), epsilon, 1 - epsilon).apply<nn::LogOp>();
}

// 1 at the target's class: N… → N… C.
static Term oneHot(Term prediction, Value classes) {
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

static Term categoricalCrossentropy(Term prediction, Value target) {
  return -meanOfAll(sumOfLast(prediction.with(target) * logProbabilities(prediction)));
}

static Term sparseCategoricalCrossentropy(Term prediction, Value target) {
  return categoricalCrossentropy(prediction, oneHot(prediction, target));
}

static Term binaryCrossentropy(Term prediction, Value target) {
  Term y = prediction.with(target);
  if (auto sigmoid = prediction.get().getDefiningOp<nn::SigmoidOp>()) {
    // −y log σ(x) − (1 − y) log(1 − σ(x)) = softplus(x) − x y
    Term x = prediction.with(sigmoid.getInput());
    return meanOfAll(x.apply<nn::SoftplusOp>() - x * y);
  }
  Term p = clip(prediction, epsilon, 1 - epsilon);
  return -meanOfAll(y * p.apply<nn::LogOp>() + (1 - y) * (1 - p).apply<nn::LogOp>());
}

static Term meanSquaredError(Term prediction, Value target) {
  Term difference = prediction - prediction.with(target);
  return meanOfAll(difference * difference);
}

static Term meanAbsoluteError(Term prediction, Value target) {
  return meanOfAll((prediction - prediction.with(target)).apply<nn::AbsOp>());
}

// Squares up to a distance of 1, then straight.
static Term huber(Term prediction, Value target) {
  Term distance = (prediction - prediction.with(target)).apply<nn::AbsOp>();
  Term isNear = distance.compare(nn::ComparePredicate::le, 1);
  return meanOfAll(nn::select(isNear, distance * distance * 0.5, distance - 0.5));
}

static Term klDivergence(Term prediction, Value target) {
  Term y = clip(prediction.with(target), epsilon, 1);
  return meanOfAll(sumOfLast(y * (y / clip(prediction, epsilon, 1)).apply<nn::LogOp>()));
}

static const Loss losses[] = {
    {"sparse_categorical_crossentropy", true, true, sparseCategoricalCrossentropy},
    {"categorical_crossentropy", false, true, categoricalCrossentropy},
    {"binary_crossentropy", false, false, binaryCrossentropy},
    {"mean_squared_error", false, false, meanSquaredError},
    {"mean_absolute_error", false, false, meanAbsoluteError},
    {"huber", false, false, huber},
    {"kl_divergence", false, false, klDivergence},
};

const Loss *sinter::lookupLoss(StringRef name) {
  const auto *found = llvm::find_if(losses, [&](const Loss &loss) { return loss.name == name; });
  return found == std::end(losses) ? nullptr : found;
}

std::string sinter::lossNames() {
  return llvm::join(llvm::map_range(losses, [](const Loss &loss) { return loss.name.str(); }),
                    ", ");
}

Term sinter::buildAccuracy(const Loss &loss, Term prediction, Value target) {
  auto classOf = [&](Value scores) {
    return prediction.with(nn::ArgReduceOp::create(prediction.getBuilder(), prediction.getLoc(),
                                                   scores, nn::ArgKind::max,
                                                   prediction.getRank() - 1,
                                                   /*keepdims=*/false,
                                                   /*select_last_index=*/false));
  };
  Term expected = loss.takesClasses ? prediction.with(target) : classOf(target);
  Term hit = classOf(prediction).compare(nn::ComparePredicate::eq, expected);
  return meanOfAll(hit.apply<nn::CastOp>(TypeAttr::get(prediction.getType().getElementType())));
}
