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

// Class r, counted from 1, as often as ∫ x^−a dx from r to r + 1: words that are sorted by how
// often they occur follow r^−1 (Zipf), and noise should follow that to the power a.
std::vector<float> sinter::sharesByRank(Term prediction, const Settings &settings) {
  double a = settings.lookup("power");
  auto upTo = [a](double x) { return a == 1 ? std::log(x) : (std::pow(x, 1 - a) - 1) / (1 - a); };
  std::vector<float> cumulative(prediction.getType().getShape().back());
  auto classes = static_cast<double>(cumulative.size());
  for (size_t r = 0; r < cumulative.size(); ++r)
    cumulative[r] = static_cast<float>(upTo(static_cast<double>(r) + 2) / upTo(classes + 1));
  return cumulative;
}

// The number of classes whose share, with those before them, is not above the number drawn: by
// bisection, for all numbers at once. The last class takes what no share is above.
static Term drawClasses(Term drawn, Term cumulative, int64_t classes) {
  Type index = drawn.getBuilder().getI64Type();
  Term below = nn::zerosLike(drawn).apply<nn::CastOp>(TypeAttr::get(index));
  auto upToLast = [&](Term place) {
    return place.apply<nn::MinOp>(place.number(static_cast<double>(classes - 1)).get());
  };
  for (int64_t step = llvm::PowerOf2Ceil(classes + 1) / 2; step > 0; step /= 2) {
    Term place = upToLast(below + static_cast<double>(step - 1));
    Term isBelow =
        cumulative.apply<nn::GatherOp>(place.get(), 0).compare(nn::ComparePredicate::le, drawn);
    below = below + isBelow.apply<nn::CastOp>(TypeAttr::get(index)) * static_cast<double>(step);
  }
  return upToLast(below);
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
  Term drawn = h.with(nn::RandomUniformOp::create(b, h.getLoc(), in.noise.key, shape,
                                                  b.getI64IntegerAttr(in.noise.layer),
                                                  TypeAttr::get(h.getType().getElementType())));
  Term noise = drawClasses(drawn, h.with(in.noise.cumulative), classes); // N k
  Term vectors = weights.transpose({1, 0});                              // V d
  auto scoresOf = [&](Term chosen) {                                     // N n → N n
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
