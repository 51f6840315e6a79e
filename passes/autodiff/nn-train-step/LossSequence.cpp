//===- LossSequence.cpp - connectionist temporal classification -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A. Graves et al., "Connectionist Temporal Classification", ICML 2006, section 4.1. N T C
// are a prediction's batch, steps and classes; N S a target's labels, filled up at the end
// with the blank, class 0 as in Keras and PyTorch. L = 2 S + 1 counts the labels with a
// blank before, between and after them.
//
//===----------------------------------------------------------------------===//

#include "passes/autodiff/nn-train-step/Loss.h"

using namespace mlir;
using namespace sinter;
using nn::Dim;
using nn::Term;

/// log 0: far below any sum of logarithms, and finite, so that no difference of two is NaN.
static constexpr double logZero = -1e30;

namespace {
class Ctc {
public:
  explicit Ctc(const LossInput &in)
      : in(in), b(in.prediction.getBuilder()), loc(in.prediction.getLoc()),
        labels(in.prediction.with(in.target)), batch(nn::dimOf(in.prediction, 0)) {}

  Term build();

private:
  /// i64 N L: blank, label, blank, …, blank.
  Term interleaveBlanks();
  /// T N L: the logarithm of each step's probability of each of the L.
  Term gatherLogs(Term extended);
  /// N L: 0 where a path may come from two before, from one label to another one; else log 0.
  Term findSkips(Term extended);
  /// N L, a column of it log 0, the others those of `alphas` before.
  Term shift(Term alphas, int64_t distance);
  Term runForward(Term logs, Term skips);
  Term finish(Term alphas);

  Term filled(double value, ArrayRef<Dim> dims) {
    return in.prediction.number(value).apply<nn::ExpandOp>(nn::shapeTensor(in.prediction, dims));
  }

  const LossInput &in;
  OpBuilder &b;
  Location loc;
  Term labels;
  Dim batch;
};
} // namespace

Term Ctc::interleaveBlanks() {
  Dim count = nn::dimOf(labels, 1), twice = nn::mulDims(labels, count, 2);
  Term blanks = nn::zerosLike(labels);
  Term pairs = labels.with(
      nn::ConcatOp::create(b, loc, ValueRange{blanks.unsqueeze({2}), labels.unsqueeze({2})}, 2));
  Term flat = pairs.reshape(nn::shapeTensor(labels, {batch, twice}));
  Term last = nn::slice(blanks, 1, 0, 1);
  return labels.with(nn::ConcatOp::create(b, loc, ValueRange{flat, last}, 1));
}

// As a product with what is 1 at each of the L, for its derivative is a product too.
Term Ctc::gatherLogs(Term extended) {
  Term chosen = oneHot(in.prediction, extended);                                       // N L C
  Term logs = classLogs(in.prediction).apply<nn::MatMulOp>(chosen.get(), false, true); // N T L
  return logs.transpose({1, 0, 2});
}

Term Ctc::findSkips(Term extended) {
  Term none = nn::slice(nn::zerosLike(labels), 1, 0, 1);
  Term before = labels.with(nn::ConcatOp::create(
      b, loc,
      ValueRange{none, none,
                 nn::slice(extended, 1, 0, nn::subDims(extended, nn::dimOf(extended, 1), 2))},
      1));
  // A blank stands at two places from a blank, so this is none of them.
  Term isSame = extended.compare(nn::ComparePredicate::eq, before);
  return nn::select(isSame, in.prediction.number(logZero), in.prediction.number(0));
}

Term Ctc::shift(Term alphas, int64_t distance) {
  Term rest = nn::slice(alphas, 1, 0, nn::subDims(alphas, nn::dimOf(alphas, 1), distance));
  Value shifted =
      nn::ConcatOp::create(b, loc, ValueRange{filled(logZero, {batch, distance}), rest}, 1);
  return nn::reshapeLike(alphas.with(shifted), alphas);
}

// α(t, s) = log Σ of the paths that stand at s after t steps. Before the first step all is on a
// blank before the first one, from which the first blank and the first label can be reached.
Term Ctc::runForward(Term logs, Term skips) {
  Term steps = logs.with(nn::toTensor(logs, nn::dimOf(logs, 0))).squeeze({0});
  Term start = filled(0, {batch, Dim(1)});
  Term others = filled(logZero, {batch, nn::subDims(logs, nn::dimOf(logs, 2), 1)});
  Term first = logs.with(nn::ConcatOp::create(b, loc, ValueRange{start, others}, 1));
  Type type = first.getType();
  auto loop = nn::LoopOp::create(b, loc, TypeRange{type}, steps, Value(), ValueRange{first});
  OpBuilder::InsertionGuard guard(b);
  Type index = RankedTensorType::get({}, b.getI64Type()),
       bit = RankedTensorType::get({}, b.getI1Type());
  Block *body = b.createBlock(&loop.getBody(), {}, {index, bit, type}, {loc, loc, loc});
  Term alphas = logs.with(body->getArgument(2));
  Term now = logs.apply<nn::GatherOp>(body->getArgument(0), 0);
  Term one = shift(alphas, 1), two = shift(alphas, 2) + skips;
  Term most = alphas.apply<nn::MaxOp>(one.get()).apply<nn::MaxOp>(two.get());
  auto part = [&](Term x) { return (x - most).apply<nn::ExpOp>(); };
  Term next = most + (part(alphas) + part(one) + part(two)).apply<nn::LogOp>() + now;
  next = nn::reshapeLike(next, alphas);
  Value yes = nn::createScalar(b, loc, b.getI1Type(), 1);
  nn::YieldOp::create(b, loc, ValueRange{yes, next});
  return logs.with(loop.getResult(0));
}

// The paths that end in the last label or in the blank after it.
Term Ctc::finish(Term alphas) {
  Term length = labels.compare(nn::ComparePredicate::ne, labels.number(0))
                    .apply<nn::CastOp>(TypeAttr::get(b.getI64Type()))
                    .apply<nn::ReduceOp>(nn::ReduceKind::sum, ArrayRef<int64_t>{1}, true);
  Term end = length + length; // N 1
  Term count = alphas.with(nn::toTensor(alphas, nn::dimOf(alphas, 1))).squeeze({0});
  Term places = alphas.with(nn::RangeOp::create(b, loc, labels.number(0), count, labels.number(1)));
  Term back = end - places; // N L
  Term isEnd = back.compare(nn::ComparePredicate::eq, 0.0);
  Term isBefore = back.compare(nn::ComparePredicate::eq, 1.0);
  Term ends = nn::select(isEnd.apply<nn::OrOp>(isBefore.get()), alphas, logZero);
  Term most = ends.apply<nn::ReduceOp>(nn::ReduceKind::max, ArrayRef<int64_t>{1}, true);
  Term sum = (ends - most).apply<nn::ExpOp>().sum({1});
  Term loss = -(most + sum.apply<nn::LogOp>());
  // No path at all: there are fewer steps than labels.
  double never = in.get("zero_infinity") != 0 ? 0 : std::numeric_limits<double>::infinity();
  return nn::select(loss.compare(nn::ComparePredicate::lt, -logZero / 2), loss, never);
}

Term Ctc::build() {
  Term extended = interleaveBlanks();
  return meanOfAll(finish(runForward(gatherLogs(extended), findSkips(extended))));
}

Term sinter::buildCtc(const LossInput &in) { return Ctc(in).build(); }

LogicalResult sinter::checkCtc(Term prediction, const Settings &) {
  if (prediction.getRank() == 3)
    return success();
  return emitError(prediction.getLoc())
         << "loss 'ctc' needs a prediction of batch, steps and classes, not "
         << prediction.getType();
}
