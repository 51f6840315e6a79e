//===- TrainStepTest.cpp - losses and optimizers by their numbers ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The training step of y = w · x, run by the evaluator for some steps, against the
// same rules written out in plain C++.
//
//===----------------------------------------------------------------------===//

#include "Interpret.h"
#include "mlir/Pass/PassManager.h"
#include "passes/autodiff/nn-autodiff/NNAutodiff.h"
#include "passes/autodiff/nn-train-step/NNTrainStep.h"
#include <array>

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

namespace {

/// A model's training step and the state that it has come to.
class Step {
public:
  Step(StringRef model, StringRef loss, StringRef optimizer) {
    module = parseSourceString<ModuleOp>(model, &getTestContext());
    NNTrainStepOptions options;
    options.loss = loss.str();
    options.optimizer = optimizer.str();
    PassManager pm(&getTestContext());
    pm.addPass(createNNTrainStep(options));
    pm.addPass(createNNAutodiff());
    if (!module || failed(pm.run(*module))) {
      ADD_FAILURE() << loss.str() << ", " << optimizer.str();
      return;
    }
    main = module->lookupSymbol<func::FuncOp>("main");
    for (unsigned i = 0; i < main.getNumArguments(); ++i)
      if (auto initial = main.getArgAttrOfType<ElementsAttr>(i, "nn.initial"))
        state.push_back(HostTensor::fromAttribute(initial));
  }

  /// Runs a step; results before the state: the loss, and the accuracy if there is one.
  SmallVector<double> run(const HostTensor &x, const HostTensor &target, double rate) {
    SmallVector<HostTensor> arguments{x, target, f32({}, {rate})}, results;
    llvm::append_range(arguments, state);
    Values values;
    for (auto [argument, value] : llvm::zip_equal(main.getArguments(), arguments))
      values[argument] = value;
    EXPECT_TRUE(succeeded(runBlock(main.getBody().front(), values, results)));
    size_t metrics = results.size() - state.size();
    SmallVector<double> told;
    for (size_t i = 0; i < metrics; ++i)
      told.push_back(results[i].getDouble(0));
    state.assign(results.begin() + metrics, results.end());
    return told;
  }

  /// The first parameter; the step's number stands before it.
  std::vector<double> parameter() const { return values(state[1]); }

private:
  OwningOpRef<ModuleOp> module;
  func::FuncOp main;
  SmallVector<HostTensor> state;
};

constexpr StringLiteral weighted = R"(
func.func @main(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %w = nn.constant dense<[0.5, -1.0, 2.0]> : tensor<3xf32> loc("w")
  %0 = nn.mul %x, %w : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
})";

using Numbers = std::vector<double>;
const Numbers inputs{1, 2, -1, 0.5, -1.5, 3}, targets{1, 0, 2, -1, 1, 0.5};

/// ∂/∂w of the mean of (w x − t)².
Numbers gradientOfSquares(const Numbers &w) {
  Numbers g(3, 0);
  for (size_t i = 0; i < inputs.size(); ++i)
    g[i % 3] += 2 * (w[i % 3] * inputs[i] - targets[i]) * inputs[i] / 6;
  return g;
}

/// Updates one number; `slots` are kept from step to step.
using Rule = function_ref<double(double w, double g, double *slots, int step)>;

void expectRule(
    StringRef optimizer, double initial, Rule rule,
    function_ref<void(Numbers &)> clip = [](Numbers &) {}) {
  SCOPED_TRACE(optimizer.str());
  Step step(weighted, "mean_squared_error", optimizer);
  Numbers w{0.5, -1, 2};
  std::vector<std::array<double, 2>> slots(3, {initial, 0});
  for (int t = 1; t <= 5; ++t) {
    Numbers g = gradientOfSquares(w);
    clip(g);
    for (size_t i = 0; i < w.size(); ++i)
      w[i] = rule(w[i], g[i], slots[i].data(), t);
    step.run(f32({2, 3}, inputs), f32({2, 3}, targets), 0.1);
    Numbers actual = step.parameter();
    for (size_t i = 0; i < w.size(); ++i)
      EXPECT_NEAR(actual[i], w[i], 1e-5) << "step " << t << ", element " << i;
  }
}

} // namespace

TEST(Optimizer, SGD) {
  expectRule("sgd", 0, [](double w, double g, double *, int) { return w - 0.1 * g; });
  expectRule("sgd:momentum=0.9", 0, [](double w, double g, double *v, int) {
    v[0] = 0.9 * v[0] - 0.1 * g;
    return w + v[0];
  });
  expectRule("sgd:momentum=0.9,nesterov=1", 0, [](double w, double g, double *v, int) {
    v[0] = 0.9 * v[0] - 0.1 * g;
    return w + 0.9 * v[0] - 0.1 * g;
  });
  expectRule("sgd:weight_decay=0.5", 0,
             [](double w, double g, double *, int) { return w * (1 - 0.05) - 0.1 * g; });
}

TEST(Optimizer, RMSprop) {
  expectRule("rmsprop:rho=0.8", 0, [](double w, double g, double *v, int) {
    v[0] = 0.8 * v[0] + 0.2 * g * g;
    return w - 0.1 * g / std::sqrt(v[0] + 1e-7);
  });
  expectRule("rmsprop:momentum=0.5", 0, [](double w, double g, double *v, int) {
    v[0] = 0.9 * v[0] + 0.1 * g * g;
    v[1] = 0.5 * v[1] + 0.1 * g / std::sqrt(v[0] + 1e-7);
    return w - v[1];
  });
}

TEST(Optimizer, Adagrad) {
  expectRule("adagrad", 0.1, [](double w, double g, double *v, int) {
    v[0] += g * g;
    return w - 0.1 * g / std::sqrt(v[0] + 1e-7);
  });
}

static double adam(double w, double g, double *v, int t) {
  v[0] = 0.9 * v[0] + 0.1 * g;
  v[1] = 0.999 * v[1] + 0.001 * g * g;
  double m = v[0] / (1 - std::pow(0.9, t)), s = v[1] / (1 - std::pow(0.999, t));
  return w - 0.1 * m / (std::sqrt(s) + 1e-7 / std::sqrt(1 - std::pow(0.999, t)));
}

TEST(Optimizer, Adam) {
  expectRule("adam", 0, adam);
  expectRule("adamw", 0, [](double w, double g, double *v, int t) {
    return adam(w * (1 - 0.1 * 0.004), g, v, t);
  });
}

TEST(Optimizer, Clipping) {
  auto plain = [](double w, double g, double *, int) { return w - 0.1 * g; };
  expectRule("sgd:clipvalue=0.3", 0, plain, [](Numbers &g) {
    for (double &each : g)
      each = std::clamp(each, -0.3, 0.3);
  });
  auto toNorm = [](Numbers &g) {
    double norm = std::sqrt(g[0] * g[0] + g[1] * g[1] + g[2] * g[2]);
    for (double &each : g)
      each *= std::min(1.0, 0.7 / norm);
  };
  expectRule("sgd:clipnorm=0.7", 0, plain, toNorm);
  expectRule("sgd:global_clipnorm=0.7", 0, plain, toNorm);
}

//===----------------------------------------------------------------------===//
// Losses
//===----------------------------------------------------------------------===//

static double lossOf(StringRef loss, const Numbers &given, StringRef model = weighted) {
  return Step(model, loss, "sgd").run(f32({2, 3}, inputs), f32({2, 3}, given), 0.1)[0];
}

/// The mean over all elements of f(prediction, target).
static double meanOf(function_ref<double(double, double)> f, const Numbers &given) {
  const double w[] = {0.5, -1, 2};
  double sum = 0;
  for (size_t i = 0; i < inputs.size(); ++i)
    sum += f(w[i % 3] * inputs[i], given[i]);
  return sum / 6;
}

TEST(Loss, OfNumbers) {
  EXPECT_NEAR(lossOf("mean_squared_error", targets),
              meanOf([](double p, double t) { return (p - t) * (p - t); }, targets), 1e-5);
  EXPECT_NEAR(lossOf("mean_absolute_error", targets),
              meanOf([](double p, double t) { return std::abs(p - t); }, targets), 1e-5);
  EXPECT_NEAR(lossOf("huber", targets),
              meanOf(
                  [](double p, double t) {
                    double d = std::abs(p - t);
                    return d <= 1 ? d * d / 2 : d - 0.5;
                  },
                  targets),
              1e-5);
}

TEST(Loss, Settings) {
  EXPECT_NEAR(lossOf("huber:delta=2", targets),
              meanOf(
                  [](double p, double t) {
                    double d = std::abs(p - t);
                    return d <= 2 ? d * d / 2 : 2 * d - 2;
                  },
                  targets),
              1e-5);
  Numbers bits{1, 0, 1, 0, 0, 1};
  EXPECT_NEAR(lossOf("binary_crossentropy:from_logits=1,label_smoothing=0.2", bits),
              meanOf(
                  [](double p, double t) {
                    double s = 1 / (1 + std::exp(-p)), y = 0.8 * t + 0.1;
                    return -y * std::log(s) - (1 - y) * std::log(1 - s);
                  },
                  bits),
              1e-5);
}

constexpr StringLiteral sigmoid = R"(
func.func @main(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %w = nn.constant dense<[0.5, -1.0, 2.0]> : tensor<3xf32> loc("w")
  %0 = nn.mul %x, %w : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %1 = nn.sigmoid %0 : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
})";
constexpr StringLiteral softmax = R"(
func.func @main(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %w = nn.constant dense<[0.5, -1.0, 2.0]> : tensor<3xf32> loc("w")
  %0 = nn.mul %x, %w : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %1 = nn.softmax %0 {axes = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
})";

TEST(Loss, OfProbabilities) {
  Numbers bits{1, 0, 1, 0, 0, 1};
  EXPECT_NEAR(lossOf("binary_crossentropy", bits, sigmoid),
              meanOf(
                  [](double p, double t) {
                    double s = 1 / (1 + std::exp(-p));
                    return -t * std::log(s) - (1 - t) * std::log(1 - s);
                  },
                  bits),
              1e-5);

  // Softmax of the rows of w x.
  const double w[] = {0.5, -1, 2};
  double p[2][3];
  for (int row = 0; row < 2; ++row) {
    double sum = 0;
    for (int i = 0; i < 3; ++i)
      sum += p[row][i] = std::exp(w[i] * inputs[row * 3 + i]);
    for (double &each : p[row])
      each /= sum;
  }
  Numbers soft{0.2, 0.5, 0.3, 0.1, 0.1, 0.8};
  double cross = 0, divergence = 0;
  for (int i = 0; i < 6; ++i) {
    cross -= soft[i] * std::log(p[i / 3][i % 3]) / 2;
    divergence += soft[i] * std::log(soft[i] / p[i / 3][i % 3]) / 2;
  }
  EXPECT_NEAR(lossOf("categorical_crossentropy", soft, softmax), cross, 1e-5);
  EXPECT_NEAR(lossOf("kl_divergence", soft, softmax), divergence, 1e-5);
  // The same from what goes into softmax; and with a part of each target for all classes.
  EXPECT_NEAR(lossOf("categorical_crossentropy:from_logits=1", soft), cross, 1e-5);
  double smooth = 0;
  for (int i = 0; i < 6; ++i)
    smooth -= (0.7 * soft[i] + 0.1) * std::log(p[i / 3][i % 3]) / 2;
  EXPECT_NEAR(lossOf("categorical_crossentropy:label_smoothing=0.3", soft, softmax), smooth, 1e-5);

  // The first row is taken for class 0, the second one for class 2.
  auto told = Step(softmax, "sparse_categorical_crossentropy", "sgd")
                  .run(f32({2, 3}, inputs), i64({2}, {1, 2}), 0.1);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_NEAR(told[0], -(std::log(p[0][1]) + std::log(p[1][2])) / 2, 1e-5);
  EXPECT_EQ(told[1], 0.5);
}
