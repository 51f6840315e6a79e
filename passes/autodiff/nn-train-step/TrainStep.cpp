//===- TrainStep.cpp - one function of a training -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/autodiff/nn-train-step/TrainStep.h"

using namespace mlir;
using namespace sinter;
using nn::Term;

LogicalResult TrainStep::findState() {
  for (const NamedConstant &each : findParameters(main))
    if (llvm::none_of(frozen, [&](const llvm::GlobPattern &one) { return one.match(each.name); }))
      parameters.push_back({each.name, each.constant, {}, {}});
  if (parameters.empty())
    return main.emitError("the model has no parameters to train");
  for (const NamedConstant &each : findStatistics(main))
    statistics.push_back({each.name, each.constant, {}, {}});
  carried = findCarried(main);
  return success();
}

Value TrainStep::addArgument(Type type, StringRef name, StringRef state, Attribute initial,
                             Attribute dims) {
  NamedAttrList attributes;
  attributes.set("nn.name", builder.getStringAttr(name));
  if (!state.empty())
    attributes.set("nn.state", builder.getStringAttr(state));
  if (initial)
    attributes.set("nn.initial", initial);
  if (dims)
    attributes.set("nn.dims", dims);
  unsigned position = main.getNumArguments();
  LogicalResult inserted =
      main.insertArgument(position, type, attributes.getDictionary(main.getContext()), loc);
  assert(succeeded(inserted) && "functions take arguments");
  (void)inserted;
  return main.getArgument(position);
}

void TrainStep::addResult(Value value, StringRef name, StringRef state) {
  NamedAttrList attributes;
  attributes.set("nn.name", builder.getStringAttr(name));
  if (!state.empty())
    attributes.set("nn.state", builder.getStringAttr(state));
  resultAttributes.push_back(attributes.getDictionary(main.getContext()));
  results.push_back(value);
}

Value TrainStep::addTarget() {
  RankedTensorType type = loss.getTargetType(cast<RankedTensorType>(prediction.getType()));
  // The target's batch has the name, and so the size, of an input's.
  Attribute dims;
  for (unsigned i = 0; i < main.getNumArguments() && !dims; ++i)
    if (auto names = main.getArgAttrOfType<ArrayAttr>(i, "nn.dims");
        names && !names.empty() && type.getRank() > 0 && type.isDynamicDim(0)) {
      SmallVector<Attribute> all(type.getRank(), builder.getStringAttr(""));
      all[0] = names[0];
      if (loss.getKind().target == TargetKind::labels)
        all[1] = builder.getStringAttr("labels");
      dims = builder.getArrayAttr(all);
    }
  return addArgument(type, "target", {}, {}, dims);
}

LogicalResult TrainStep::analyze() {
  if (failed(findState()))
    return failure();
  Operation *terminator = body.getTerminator();
  builder.setInsertionPoint(terminator);
  if (terminator->getNumOperands() == 0)
    return main.emitError("the model has no result to train");
  prediction = terminator->getOperand(0);
  auto type = cast<RankedTensorType>(prediction.getType());
  if (!type.getElementType().isF32() || type.getRank() < 1)
    return main.emitError("the first result should be a float32 tensor with a batch, but is ")
           << type;
  return loss.check(Term(builder, loc, prediction));
}

// An initialiser that the importer noted says more than the values that it gave.
void TrainStep::addParameters() {
  for (Parameter &each : parameters) {
    Attribute initializer = each.constant->getDiscardableAttr("nn.initializer");
    each.argument = addArgument(each.constant.getType(), each.name, "parameter",
                                initializer ? initializer : each.constant.getValue());
    each.constant->replaceAllUsesWith(ValueRange(each.argument));
  }
}

void TrainStep::addNoise() {
  if (!loss.getKind().cumulative)
    return;
  std::vector<float> cumulative = loss.getCumulative(Term(builder, loc, prediction));
  auto type = RankedTensorType::get(static_cast<int64_t>(cumulative.size()), builder.getF32Type());
  noise.cumulative = addArgument(type, "noise/cumulative", "noise",
                                 DenseElementsAttr::get(type, ArrayRef<float>(cumulative)));
}

void TrainStep::addStatistics() {
  for (Statistic &each : statistics) {
    Attribute initializer = each.constant->getDiscardableAttr("nn.initializer");
    each.argument = addArgument(each.constant.getType(), each.name, "statistic",
                                initializer ? initializer : each.constant.getValue());
    each.next = each.argument;
    each.constant->replaceAllUsesWith(ValueRange(each.argument));
  }
}

void TrainStep::addCarried() {
  for (CarriedState &each : carried) {
    Value argument =
        addArgument(each.constant.getType(), each.name, "carried", each.constant.getValue());
    each.constant->replaceAllUsesWith(ValueRange(argument));
  }
}

void TrainStep::addNextCarried() {
  for (CarriedState &each : carried)
    addResult(each.next, each.name, "carried");
}

// Dropout, and the like, outside of training.
void TrainStep::dropTrainingOnly() {
  for (Operation &op : llvm::make_early_inc_range(body))
    if (op.hasAttr("nn.training_only")) {
      op.getResult(0).replaceAllUsesWith(op.getOperand(0));
      op.erase();
    }
  prediction = body.getTerminator()->getOperand(0);
}

// What is drawn follows from the seed, the step and the op's own number.
void TrainStep::drawNumbers(Value steps) {
  auto draws = llvm::to_vector(body.getOps<nn::RandomUniformOp>());
  if (draws.empty() && !loss.getKind().cumulative)
    return;
  auto counter = RankedTensorType::get({}, builder.getI64Type());
  Value seed =
      addArgument(counter, "seed", "seed", DenseElementsAttr::get(counter, ArrayRef<int64_t>(0)));
  // Of several processes each draws for its own part of the batch.
  Value sample;
  if (dataParallel)
    sample = addArgument(counter, "first_sample", "sample",
                         DenseElementsAttr::get(counter, ArrayRef<int64_t>(0)));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(&body);
  auto row = [&](Value scalar) {
    return nn::UnsqueezeOp::create(builder, loc, scalar, ArrayRef<int64_t>{0}).getResult();
  };
  SmallVector<Value> parts = {row(seed), row(steps)};
  if (sample)
    parts.push_back(row(sample));
  noise.key = nn::ConcatOp::create(builder, loc, parts, 0);
  for (nn::RandomUniformOp draw : draws)
    draw.getKeyMutable().assign(noise.key);
}

// Ioffe & Szegedy, 2015: a training step normalizes by the batch's own mean and
// variance, and moves the gathered ones towards them.
void TrainStep::useBatchStatistics() {
  // The batch is that of all processes.
  auto ofAllProcesses = [&](Term x) { return dataParallel ? x.apply<nn::AllReduceOp>() : x; };
  auto gather = [&](Value argument, Term fresh, double momentum) {
    for (Statistic &each : statistics)
      if (each.argument == argument)
        each.next = fresh.with(each.next) * momentum + fresh * (1 - momentum);
  };
  for (auto norm : llvm::to_vector(body.getOps<nn::BatchNormOp>())) {
    auto momentum = norm->getAttrOfType<FloatAttr>("nn.momentum");
    if (!momentum)
      continue;
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(norm);
    Term x(builder, norm.getLoc(), norm.getInput());
    SmallVector<int64_t> axes = nn::axesRange(0, x.getRank() - 1); // channels last
    Term mean = ofAllProcesses(x.mean(axes)), centered = x - mean;
    Term variance = ofAllProcesses((centered * centered).mean(axes));
    Term root = (variance + norm.getEpsilon().convertToDouble()).apply<nn::RsqrtOp>();
    Term y = centered * root * x.with(norm.getScale()) + x.with(norm.getBias());
    gather(norm.getMean(), mean.squeeze(axes), momentum.getValueAsDouble());
    gather(norm.getVariance(), variance.squeeze(axes), momentum.getValueAsDouble());
    norm.getOutput().replaceAllUsesWith(y);
    norm.erase();
  }
  prediction = body.getTerminator()->getOperand(0);
}

void TrainStep::addLoss(Value target) {
  Term predicted(builder, loc, prediction);
  // An evaluation, which has neither seed nor step, draws the same each time.
  if (loss.getKind().cumulative && !noise.key)
    noise.key = nn::createIndexConstant(builder, loc, {0, 0});
  noise.layer = llvm::range_size(body.getOps<nn::RandomUniformOp>());
  addResult(loss.build(predicted, target, noise), "loss");
  if (loss.getKind().isCategorical)
    addResult(loss.buildAccuracy(predicted, target), "accuracy");
}

void TrainStep::addOutputs() {
  for (auto [i, value] : llvm::enumerate(body.getTerminator()->getOperands())) {
    DictionaryAttr attributes = main.getResultAttrDict(i);
    resultAttributes.push_back(attributes ? attributes : builder.getDictionaryAttr({}));
    results.push_back(value);
  }
}

void TrainStep::finish() {
  body.getTerminator()->setOperands(results);
  SmallVector<Type> resultTypes;
  for (Value result : results)
    resultTypes.push_back(result.getType());
  main.setFunctionType(builder.getFunctionType(main.getArgumentTypes(), resultTypes));
  main.setAllResultAttrs(resultAttributes);
  for (Parameter &each : parameters)
    each.constant.erase();
  for (Statistic &each : statistics)
    each.constant.erase();
  for (CarriedState &each : carried)
    each.constant.erase();
}

// [inputs…, parameters…, statistics…, carried…] → [the model's results…, carried…]
void TrainStep::buildForward() {
  dropTrainingOnly();
  addParameters();
  addStatistics();
  addCarried();
  addOutputs();
  addNextCarried();
  finish();
}

// [inputs…, target, parameters…, statistics…, carried…, noise] → [loss, metrics…, the model's
// results…, carried…]
void TrainStep::buildEvalStep() {
  dropTrainingOnly();
  Value target = addTarget();
  addParameters();
  addStatistics();
  addCarried();
  addNoise();
  addLoss(target);
  addOutputs();
  addNextCarried();
  finish();
}

// [inputs…, target, learning rate, state…] → [loss, metrics…, state…]
void TrainStep::buildTrainStep() {
  Type element = getElementTypeOrSelf(prediction.getType());
  auto scalar = RankedTensorType::get({}, element);
  auto counter = RankedTensorType::get({}, builder.getI64Type());
  Value target = addTarget();
  Value rate = addArgument(scalar, "learning_rate");
  Value steps =
      addArgument(counter, "step", "step", DenseElementsAttr::get(counter, ArrayRef<int64_t>(0)));
  drawNumbers(steps);
  addParameters();
  addStatistics();
  addCarried();
  addNoise();
  useBatchStatistics();
  for (Parameter &each : parameters)
    for (const Optimizer::Variable &variable : optimizer.getVariables()) {
      auto type = cast<RankedTensorType>(each.constant.getType());
      each.variables.push_back(
          addArgument(type, each.name + "/" + variable.name.str(), "optimizer",
                      DenseElementsAttr::get(type, FloatAttr::get(element, variable.initial))));
    }

  addLoss(target);
  SmallVector<Value> inputs;
  SmallVector<Type> types;
  for (Parameter &each : parameters) {
    inputs.push_back(each.argument);
    types.push_back(each.argument.getType());
  }
  auto gradient = nn::GradientOp::create(builder, loc, types, ValueRange(results.front()),
                                         ValueRange(), inputs);
  SmallVector<Value> gradients(gradient.getResults());
  // Clipping and the optimizer see the gradients of all processes' samples.
  if (dataParallel)
    for (Value &each : gradients)
      each = nn::AllReduceOp::create(builder, loc, each.getType(), each);
  optimizer.clip(gradients, builder, loc);

  // The next state.
  Value next = nn::AddOp::create(builder, loc, steps, nn::createIndexScalar(builder, loc, 1));
  Term step(builder, loc,
            nn::CastOp::create(builder, loc, next, TypeAttr::get(builder.getF64Type())));
  StepValues values{step.with(rate), step};
  SmallVector<Value> updated;
  for (auto [each, g] : llvm::zip(parameters, gradients))
    updated.push_back(
        optimizer.update(values, step.with(each.argument), step.with(g), each.variables));
  addResult(next, "step", "step");
  for (auto [each, value] : llvm::zip(parameters, updated))
    addResult(value, each.name, "parameter");
  for (Statistic &each : statistics)
    addResult(each.next, each.name, "statistic");
  addNextCarried();
  for (Parameter &each : parameters)
    for (auto [variable, value] : llvm::zip(optimizer.getVariables(), each.variables))
      addResult(value, each.name + "/" + variable.name.str(), "optimizer");

  finish();
}
