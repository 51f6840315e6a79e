//===- LossSampled.cpp - losses of word vectors ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Negative sampling (T. Mikolov et al., "Distributed Representations of Words and Phrases and
// their Compositionality", 2013, section 2.2) and GloVe's (J. Pennington et al., 2014).
//
//===----------------------------------------------------------------------===//

#include "passes/autodiff/nn-train-step/Loss.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sinter;
using nn::Term;

//===----------------------------------------------------------------------===//
// Negative sampling
//===----------------------------------------------------------------------===//

namespace {
/// A prediction h W + b of the last dense layer, N d · d V, perhaps with softmax after it.
struct Scores {
  Value features, weights, bias; ///< bias: null if there is none
};
} // namespace

static std::optional<Scores> matchScores(Value prediction) {
  if (auto softmax = prediction.getDefiningOp<nn::SoftmaxOp>())
    prediction = softmax.getInput();
  Scores scores;
  if (auto sum = prediction.getDefiningOp<nn::AddOp>()) {
    prediction = sum.getLhs();
    scores.bias = sum.getRhs();
    if (cast<RankedTensorType>(scores.bias.getType()).getRank() != 1)
      return std::nullopt;
  }
  auto product = prediction.getDefiningOp<nn::MatMulOp>();
  if (!product || product.getTransposeLhs() || product.getTransposeRhs() ||
      product.getRhsBlock() != 0)
    return std::nullopt;
  scores.features = product.getLhs();
  scores.weights = product.getRhs();
  auto weights = cast<RankedTensorType>(scores.weights.getType());
  bool fits = cast<RankedTensorType>(scores.features.getType()).getRank() == 2 &&
              weights.getRank() == 2 && !weights.isDynamicDim(1);
  return fits ? std::optional(scores) : std::nullopt;
}

LogicalResult sinter::checkNegativeSampling(Term prediction, const Settings &settings) {
  double negatives = settings.lookup("negatives"), a = settings.lookup("power");
  if (negatives < 1 || negatives != std::floor(negatives) || a < 0 || a > 1)
    return emitError(prediction.getLoc())
           << "loss 'negative_sampling' needs a number of negatives, and a power from 0 to 1";
  if (matchScores(prediction))
    return success();
  return emitError(prediction.getLoc())
         << "loss 'negative_sampling' needs the scores of all classes: a dense layer at the end, "
            "linear or with softmax, on one vector a sample";
}

static Term power(Term x, double exponent) {
  // Products, which are the same on every machine, where they do it.
  if (exponent != std::floor(exponent) || exponent > 16)
    return x.apply<nn::PowOp>(x.number(exponent).get());
  Term result = x;
  for (int i = 1; i < exponent; ++i)
    result = result * x;
  return result;
}

// Class r, counted from 1, as often as ∫ x^−a dx from r to r + 1: words that are sorted by how
// often they occur follow r^−1 (Zipf), and noise should follow that to the power a.
static Term drawClasses(Term drawn, int64_t classes, double a) {
  // A little less than classes + 1, which rounding then does not reach.
  double most = (static_cast<double>(classes) + 1) * (1 - 4e-6);
  Term place = a == 1 ? (drawn * std::log(most)).apply<nn::ExpOp>()
                      : power(drawn * (std::pow(most, 1 - a) - 1) + 1, 1 / (1 - a));
  return (place - 1).apply<nn::FloorOp>().apply<nn::CastOp>(
      TypeAttr::get(drawn.getBuilder().getI64Type()));
}

// softplus(−s) of the target's score, and softplus(s) of those of `negatives` classes that are
// drawn for each sample; one that is the target counts for nothing.
Term sinter::buildNegativeSampling(const LossInput &in) {
  Scores scores = *matchScores(in.prediction);
  Term h = in.prediction.with(scores.features), weights = h.with(scores.weights);
  OpBuilder &b = h.getBuilder();
  int64_t classes = weights.getType().getDimSize(1);
  auto count = static_cast<int64_t>(in.get("negatives"));
  Term target = h.with(in.target).unsqueeze({1}); // N 1
  Value shape = nn::shapeTensor(h, {nn::dimOf(h, 0), nn::Dim(count)});
  Term drawn = h.with(nn::RandomUniformOp::create(b, h.getLoc(), in.randomKey, shape,
                                                  b.getI64IntegerAttr(in.randomLayer),
                                                  TypeAttr::get(h.getType().getElementType())));
  Term noise = drawClasses(drawn, classes, in.get("power")); // N k
  Term vectors = weights.transpose({1, 0});                  // V d
  auto scoresOf = [&](Term chosen) {                         // N n → N n
    Term rows = vectors.apply<nn::GatherOp>(chosen.get(), 0);
    Term s = rows.apply<nn::MatMulOp>(h.unsqueeze({2}).get(), false, false).squeeze({2});
    return scores.bias ? s + h.with(scores.bias).apply<nn::GatherOp>(chosen.get(), 0) : s;
  };
  Term isTarget = noise.compare(nn::ComparePredicate::eq, target);
  Term hit = -scoresOf(target), miss = scoresOf(noise);
  Term wrong = nn::select(isTarget, miss.number(0), miss.apply<nn::SoftplusOp>());
  return meanOfAll(hit.apply<nn::SoftplusOp>() + wrong.sum({1}));
}

//===----------------------------------------------------------------------===//
// GloVe
//===----------------------------------------------------------------------===//

// f(X) (p − log X)², with f(X) = min(1, X / x_max)^alpha: how often two words met, X, is the
// target; those that never did weigh nothing.
Term sinter::buildGlove(const LossInput &in) {
  Term count = in.prediction.with(in.target);
  count = count.apply<nn::MaxOp>(count.number(0).get());
  Term share = count * (1 / in.get("x_max"));
  Term weight = share.apply<nn::MinOp>(share.number(1).get())
                    .apply<nn::PowOp>(share.number(in.get("alpha")).get());
  Term distance =
      in.prediction - count.apply<nn::MaxOp>(count.number(1e-30).get()).apply<nn::LogOp>();
  return meanOfAll(weight * distance * distance);
}
