//===- Recurrent.cpp - RNN, GRU and LSTM as ONNX --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// With the time outermost: ONNX has `layout` for the other order, and no runtime
// carries it out.
//
//===----------------------------------------------------------------------===//

#include "compiler/export/onnx/OpWriter.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::onnx_export;

// Those of the parameters that an activation has, in the order of the activations.
static void setParameters(Attributes &attributes, ArrayAttr activations, ArrayRef<double> alpha,
                          ArrayRef<double> beta) {
  static const StringRef withAlpha[] = {"Affine",     "LeakyRelu",   "ThresholdedRelu",
                                        "ScaledTanh", "HardSigmoid", "Elu"};
  static const StringRef withBeta[] = {"Affine", "ScaledTanh", "HardSigmoid"};
  SmallVector<double> alphas, betas;
  for (auto [i, attribute] : llvm::enumerate(activations)) {
    StringRef name = cast<StringAttr>(attribute).getValue();
    if (llvm::is_contained(withAlpha, name) && i < alpha.size())
      alphas.push_back(alpha[i]);
    if (llvm::is_contained(withBeta, name) && i < beta.size())
      betas.push_back(beta[i]);
  }
  if (!alphas.empty())
    attributes.setFloats("activation_alpha", alphas);
  if (!betas.empty())
    attributes.setFloats("activation_beta", betas);
}

template <typename Op>
static LogicalResult writeRecurrent(OpWriter &writer, Op op) {
  bool batchMajor = op.getBatchMajor();
  // B T I to T B I, and of states B D H to D B H.
  auto timeMajor = [&](Value value) {
    Name name = writer.operand(value);
    return batchMajor && !name.empty() ? writer.transpose(name, {1, 0, 2}) : name;
  };
  Name lengths = writer.operand(op.getSequenceLengths());
  if (op.getSequenceLengths() &&
      !getElementTypeOrSelf(op.getSequenceLengths().getType()).isInteger(32))
    lengths = writer.node("Cast", {lengths}, Attributes().set("to", ::onnx::TensorProto::INT32));
  std::vector<Name> inputs = {timeMajor(op.getInput()),
                              writer.operand(op.getWeights()),
                              writer.operand(op.getRecurrence()),
                              writer.operand(op.getBias()),
                              lengths,
                              timeMajor(op.getInitialH())};
  Attributes attributes;
  attributes.set("activations", op.getActivations())
      .set("direction", stringifyDirection(op.getDirection()))
      .set("hidden_size", op.getHiddenSize());
  setParameters(attributes, op.getActivations(), op.getActivationAlpha(), op.getActivationBeta());
  if (op.getClip())
    attributes.setFloat("clip", op.getClip()->convertToDouble());
  StringRef type = "RNN";
  if constexpr (std::is_same_v<Op, nn::GRUOp>) {
    type = "GRU";
    attributes.set("linear_before_reset", int64_t(op.getLinearBeforeReset()));
  } else if constexpr (std::is_same_v<Op, nn::LSTMOp>) {
    type = "LSTM";
    inputs.push_back(timeMajor(op.getInitialC()));
    inputs.push_back(writer.operand(op.getPeepholes()));
    attributes.set("input_forget", int64_t(op.getInputForget()));
  }
  std::vector<Name> results = writer.nodes(type, inputs, op->getNumResults(), attributes);
  if (batchMajor) // T D B H to B T D H, and of states D B H to B D H
    for (auto [i, result] : llvm::enumerate(results))
      if (!op->getResult(i).use_empty())
        result =
            i == 0 ? writer.transpose(result, {2, 0, 1, 3}) : writer.transpose(result, {1, 0, 2});
  return writer.yield(results);
}

void sinter::onnx_export::registerRecurrentWriters(WriterTable &table) {
  table.add(writeRecurrent<nn::RNNOp>);
  table.add(writeRecurrent<nn::GRUOp>);
  table.add(writeRecurrent<nn::LSTMOp>);
}
