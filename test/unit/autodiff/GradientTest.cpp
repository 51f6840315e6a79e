//===- GradientTest.cpp - derivatives against finite differences ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each function of gradients.mlir is differentiated by its float arguments, and
// the gradients, in f64, are compared with central differences of the function
// itself. Then all of them, compiled, are compared with the evaluator. An op that
// claims to be differentiable must stand in one of the functions.
//
//===----------------------------------------------------------------------===//

#include "Interpret.h"
#include "compiler/pipeline/Pipeline.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "passes/autodiff/nn-autodiff/NNAutodiff.h"
#include "passes/graph/nn-decompose/NNDecompose.h"
#include "runtime/include/sinter/model.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include <dlfcn.h>
#include <random>

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

namespace {

MLIRContext &getContext() {
  static MLIRContext *context = [] {
    DialectRegistry registry;
    registerAll(registry);
    auto *context = new MLIRContext(registry, MLIRContext::Threading::DISABLED);
    context->loadAllAvailableDialects();
    return context;
  }();
  return *context;
}

OwningOpRef<ModuleOp> parseCases() {
  return parseSourceFile<ModuleOp>(SINTER_GRADIENTS, &getContext());
}

bool isFloat(Type type) { return isa<FloatType>(getElementTypeOrSelf(type)); }

HostTensor randomTensor(ArrayRef<int64_t> shape, double low, double high, std::mt19937 &random) {
  HostTensor tensor(Float64Type::get(&getContext()), shape);
  std::uniform_real_distribution<double> distribution(low, high);
  for (int64_t i = 0, e = tensor.getNumElements(); i < e; ++i)
    tensor.setDouble(i, distribution(random));
  return tensor;
}

/// The arguments of a case, as its attributes want them.
SmallVector<HostTensor> makeArguments(func::FuncOp function, std::mt19937 &random) {
  SmallVector<HostTensor> arguments;
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    SmallVector<int64_t> shape(cast<RankedTensorType>(function.getArgumentTypes()[i]).getShape());
    if (auto given = function.getArgAttrOfType<DenseI64ArrayAttr>(i, "test.shape"))
      shape.assign(given.asArrayRef().begin(), given.asArrayRef().end());
    double low = -2, high = 2;
    if (auto range = function.getArgAttrOfType<DenseF64ArrayAttr>(i, "test.range"))
      low = range[0], high = range[1];
    arguments.push_back(randomTensor(shape, low, high, random));
  }
  return arguments;
}

FailureOr<SmallVector<HostTensor>> evaluate(func::FuncOp function, ArrayRef<HostTensor> arguments) {
  Values values;
  for (auto [argument, value] : llvm::zip(function.getArguments(), arguments))
    values[argument] = value;
  SmallVector<HostTensor> results;
  if (failed(runBlock(function.getBody().front(), values, results)))
    return failure();
  return results;
}

/// (arguments, cotangents of the results) → gradients, beside the function.
func::FuncOp makeGradient(func::FuncOp function) {
  OpBuilder builder(function);
  func::FuncOp gradient = function.clone();
  gradient.setName((function.getName() + "_gradient").str());
  builder.insert(gradient);
  Operation *terminator = gradient.getBody().front().getTerminator();
  SmallVector<Value> outputs(terminator->getOperands()), cotangents,
      inputs(gradient.getArguments());
  SmallVector<Type> types(gradient.getArgumentTypes()), results;
  for (Value output : outputs) {
    cotangents.push_back(gradient.getBody().addArgument(output.getType(), output.getLoc()));
    types.push_back(output.getType());
  }
  for (Value input : inputs)
    results.push_back(input.getType());
  builder.setInsertionPoint(terminator);
  auto op = GradientOp::create(builder, function.getLoc(), results, outputs, cotangents, inputs);
  terminator->setOperands(op->getResults());
  gradient.removeArgAttrsAttr();
  gradient.setType(builder.getFunctionType(types, results));
  return gradient;
}

LogicalResult differentiate(ModuleOp module) {
  PassManager pm(&getContext());
  pm.addNestedPass<func::FuncOp>(createNNDecompose());
  pm.addPass(createNNAutodiff());
  return pm.run(module);
}

/// A case with its gradient and numbers to run it on.
struct Case {
  func::FuncOp function, gradient;
  SmallVector<HostTensor> arguments, cotangents, expected;

  SmallVector<HostTensor> all() const {
    SmallVector<HostTensor> result(arguments);
    llvm::append_range(result, cotangents);
    return result;
  }
};

std::vector<Case> makeCases(ModuleOp module) {
  std::vector<Case> cases;
  for (func::FuncOp function : llvm::to_vector(module.getOps<func::FuncOp>()))
    cases.push_back({function, makeGradient(function), {}, {}, {}});
  EXPECT_TRUE(succeeded(differentiate(module)));
  EXPECT_TRUE(succeeded(verify(module)));
  for (Case &each : cases) {
    std::mt19937 random(1);
    each.arguments = makeArguments(each.function, random);
    auto results = evaluate(each.function, each.arguments);
    EXPECT_TRUE(succeeded(results)) << each.function.getName().str();
    if (failed(results))
      continue;
    for (const HostTensor &result : *results)
      each.cotangents.push_back(randomTensor(result.getShape(), -1, 1, random));
    auto gradients = evaluate(each.gradient, each.all());
    EXPECT_TRUE(succeeded(gradients)) << each.function.getName().str();
    if (succeeded(gradients))
      each.expected = *gradients;
  }
  return cases;
}

/// Σ results · cotangents.
double weigh(ArrayRef<HostTensor> results, ArrayRef<HostTensor> cotangents) {
  double sum = 0;
  for (auto [result, cotangent] : llvm::zip_equal(results, cotangents))
    for (int64_t i = 0, e = result.getNumElements(); i < e; ++i)
      sum += result.getDouble(i) * cotangent.getDouble(i);
  return sum;
}

HostTensor copy(const HostTensor &tensor) {
  HostTensor result(tensor.getElementType(), tensor.getShape());
  memcpy(result.mutableBytes(), tensor.bytes(), tensor.getNumElements() * tensor.getElementBytes());
  return result;
}

} // namespace

TEST(Gradient, EveryDifferentiableOpHasACase) {
  auto module = parseCases();
  ASSERT_TRUE(module);
  llvm::StringSet<> tested;
  module->walk([&](Operation *op) { tested.insert(op->getName().getStringRef()); });
  for (RegisteredOperationName name : getContext().getRegisteredOperationsByDialect("nn"))
    if (name.hasInterface<DifferentiableOpInterface>())
      EXPECT_TRUE(tested.contains(name.getStringRef()))
          << name.getStringRef().str() << " is in no function of gradients.mlir";
}

TEST(Gradient, AgreesWithCentralDifferences) {
  auto module = parseCases();
  ASSERT_TRUE(module);
  constexpr double step = 3e-5, tolerance = 1e-6;
  for (Case &each : makeCases(*module)) {
    SCOPED_TRACE(each.function.getName().str());
    ASSERT_EQ(each.expected.size(), each.arguments.size());
    for (size_t number = 0; number < each.expected.size(); ++number) {
      const HostTensor &gradient = each.expected[number];
      ASSERT_EQ(gradient.getShape(), each.arguments[number].getShape());
      HostTensor original = each.arguments[number];
      for (int64_t i = 0, e = original.getNumElements(); i < e; ++i) {
        auto at = [&](double offset) {
          each.arguments[number] = copy(original);
          each.arguments[number].setDouble(i, original.getDouble(i) + offset);
          return weigh(*evaluate(each.function, each.arguments), each.cotangents);
        };
        double slope = (at(step) - at(-step)) / (2 * step);
        EXPECT_NEAR(gradient.getDouble(i), slope, tolerance * std::max(1.0, std::abs(slope)))
            << "argument " << number << ", element " << i;
      }
      each.arguments[number] = original;
    }
  }
}

namespace {
/// All gradients as one function @main, as the pipeline wants it.
OwningOpRef<ModuleOp> joinGradients(ArrayRef<Case> cases, ModuleOp source) {
  OwningOpRef<ModuleOp> module(ModuleOp::create(source.getLoc()));
  OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
  SmallVector<Type> types, results;
  for (const Case &each : cases) {
    func::FuncOp gradient = each.gradient;
    llvm::append_range(types, gradient.getArgumentTypes());
    llvm::append_range(results, gradient.getResultTypes());
  }
  auto main = func::FuncOp::create(builder, source.getLoc(), "main",
                                   builder.getFunctionType(types, results));
  Block *body = main.addEntryBlock();
  builder.setInsertionPointToEnd(body);
  SmallVector<Value> returned;
  unsigned next = 0;
  for (const Case &each : cases) {
    func::FuncOp gradient = each.gradient;
    IRMapping mapping;
    for (BlockArgument argument : gradient.getArguments())
      mapping.map(argument, body->getArgument(next++));
    for (Operation &op : gradient.getBody().front().without_terminator())
      builder.clone(op, mapping);
    for (Value value : gradient.getBody().front().getTerminator()->getOperands())
      returned.push_back(mapping.lookup(value));
  }
  func::ReturnOp::create(builder, source.getLoc(), returned);
  (*module)->setAttr("sinter.stage", builder.getStringAttr("nn"));
  return module;
}

DLTensor asTensor(const HostTensor &tensor) {
  return sinter_tensor(tensor.bytes(), DLDataType{kDLFloat, 64, 1},
                       static_cast<int32_t>(tensor.getRank()), tensor.getShape().data());
}
} // namespace

TEST(Gradient, CompiledAgreesWithTheEvaluator) {
  auto module = parseCases();
  ASSERT_TRUE(module);
  std::vector<Case> cases = makeCases(*module);
  auto joined = joinGradients(cases, *module);
  CompileOptions options;
  std::string error;
  ASSERT_TRUE(lookupTarget("host", options.target, error)) << error;
  SmallString<128> path;
  ASSERT_FALSE(llvm::sys::fs::createTemporaryFile("gradients", "so", path));
  ASSERT_TRUE(succeeded(emit(*joined, {Stage::Lib, "gradients", path, ""}, options)));
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_FALSE(llvm::sys::fs::remove(path));
  ASSERT_TRUE(library) << dlerror();
  auto *model = reinterpret_cast<SinterModelFunction>(dlsym(library, "sinter_model"))();
  SinterContext *context = nullptr;
  ASSERT_EQ(model->context_create(model, nullptr, &context), SINTER_OK);

  std::vector<HostTensor> inputs;
  for (Case &each : cases)
    llvm::append_range(inputs, each.all());
  std::vector<DLTensor> arguments, results(model->output_count);
  for (HostTensor &input : inputs)
    arguments.push_back(asTensor(input));
  for (DLTensor &result : results)
    result = DLTensor{};
  ASSERT_EQ(model->run(context, arguments.data(), arguments.size(), results.data(), results.size()),
            SINTER_OK)
      << model->last_error(context);
  size_t next = 0;
  for (Case &each : cases)
    for (auto [number, expected] : llvm::enumerate(each.expected)) {
      SCOPED_TRACE(each.function.getName().str() + ", argument " + std::to_string(number));
      const DLTensor &result = results[next++];
      ASSERT_EQ(ArrayRef<int64_t>(result.shape, result.ndim), expected.getShape());
      for (int64_t i = 0, e = expected.getNumElements(); i < e; ++i)
        EXPECT_NEAR(static_cast<const double *>(result.data)[i], expected.getDouble(i),
                    1e-9 * std::max(1.0, std::abs(expected.getDouble(i))))
            << "element " << i;
    }
  model->context_destroy(context);
  dlclose(library);
}
