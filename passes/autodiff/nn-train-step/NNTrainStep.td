//===- NNTrainStep.td -----------------------------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_AUTODIFF_NNTRAINSTEP_TD
#define SINTER_PASSES_AUTODIFF_NNTRAINSTEP_TD

include "mlir/Pass/PassBase.td"

def NNTrainStep : Pass<"nn-train-step", "::mlir::ModuleOp"> {
  let summary = "makes a training step of a model: forward, loss, nn.gradient, update";
  let description = [{
    @main then takes [inputs…, target, learning_rate, state…] and gives [loss,
    metrics…, state…], in which each new state stands where the old one stood.
    The state is the parameters, which were the model's float constants, and the
    optimizer's variables, named after the parameter (`dense/kernel/m`). A state
    argument has the attributes `nn.state`, its kind ("parameter", "statistic",
    "optimizer", "step", "seed", "carried", "noise" or, of a data-parallel step that draws,
    "sample"), and `nn.initial`, its first value.

    @eval_step takes [inputs…, target, parameters…, statistics…, carried…, and the noise of a loss that
    draws] and gives [loss, metrics…, the model's results…, carried…]; @forward takes [inputs…,
    parameters…, statistics…, carried…] and gives [the model's results…, carried…]. Both name the state as @main does. The module's attribute
    `nn.training` says loss and optimizer.

    Attributes of the model say what is otherwise in a training step: an op with
    `nn.training_only` is its first operand elsewhere (Dropout); nn.random_uniform
    draws by seed and step; an nn.batch_norm with `nn.momentum` normalizes by the
    batch and moves its statistics, which are state, towards it. A constant with
    `nn.buffer` is no parameter; one with `nn.carried` is state that all three functions
    take and give, its next value the result of that number of the op that reads it.

    `nn.initial` is the value itself, or what a constant's `nn.initializer` says
    about how it is made.

    Losses and optimizers have Keras' names, defaults and formulas.
  }];
  let dependentDialects = ["::sinter::nn::NNDialect"];
  let options = [
    Option<"loss", "loss", "std::string", "\"sparse_categorical_crossentropy\"",
           "sparse_categorical_crossentropy, categorical_crossentropy, binary_crossentropy, "
           "mean_squared_error, mean_absolute_error, huber, kl_divergence, ctc, negative_sampling or "
           "glove, and settings: "
           "'huber:delta=2', 'sparse_categorical_crossentropy:from_logits=1'">,
    Option<"optimizer", "optimizer", "std::string", "\"sgd\"",
           "sgd, rmsprop, adagrad, adam or adamw, and settings: 'sgd:momentum=0.9,nesterov=1'">,
    Option<"metrics", "metrics", "std::string", "\"\"",
           "What a program tells of a validation by default, beside the loss's own: 'top5,mae'">,
    Option<"dataParallel", "data-parallel", "bool", "false",
           "Gradients become their means over processes (nn.all_reduce) before the update">,
    ListOption<"freeze", "freeze", "std::string",
               "Parameters that stay constant, by name; * stands for any text">
  ];
}

#endif
