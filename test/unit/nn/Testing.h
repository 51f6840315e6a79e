//===- Testing.h - runs one nn op written as text --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_TEST_UNIT_NN_TESTING_H
#define SINTER_TEST_UNIT_NN_TESTING_H

#include "mlir/IR/TypeUtilities.h"

#include "dialects/nn/Evaluate.h"
#include "dialects/nn/NN.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"
#include <cmath>
#include <initializer_list>
#include <vector>

namespace sinter::nn {

/// A context with the dialects that the tests write in.
inline mlir::MLIRContext &getTestContext() {
  static mlir::MLIRContext *context = [] {
    auto *context = new mlir::MLIRContext(mlir::MLIRContext::Threading::DISABLED);
    context->loadDialect<NNDialect, mlir::func::FuncDialect, mlir::arith::ArithDialect,
                         mlir::math::MathDialect, mlir::tensor::TensorDialect>();
    return context;
  }();
  return *context;
}

inline mlir::Type parseElement(llvm::StringRef name) {
  return mlir::parseType(name, &getTestContext());
}

/// A tensor of the named element type.
inline HostTensor makeTensor(llvm::StringRef element, llvm::ArrayRef<int64_t> shape,
                             llvm::ArrayRef<double> values) {
  HostTensor result(parseElement(element), shape);
  EXPECT_EQ(result.getNumElements(), static_cast<int64_t>(values.size()));
  for (auto [i, value] : llvm::enumerate(values))
    result.setDouble(i, value);
  return result;
}
inline HostTensor f32(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<double> values) {
  return makeTensor("f32", shape, values);
}
inline HostTensor i64(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<double> values) {
  return makeTensor("i64", shape, values);
}
/// 0, 1, 2, …
inline HostTensor iota(llvm::ArrayRef<int64_t> shape, llvm::StringRef element = "f32") {
  HostTensor result(parseElement(element), shape);
  for (int64_t i = 0, e = result.getNumElements(); i < e; ++i)
    result.setInt(i, i);
  return result;
}

inline std::string typeOf(const HostTensor &tensor) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << mlir::RankedTensorType::get(tensor.getShape(), tensor.getElementType());
  return text;
}

inline std::vector<double> values(const HostTensor &tensor) {
  std::vector<double> result;
  for (int64_t i = 0, e = tensor.getNumElements(); i < e; ++i)
    result.push_back(tensor.getDouble(i));
  return result;
}

/// Holds the op: `op` with operands %0, %1, … of the tensors' types.
/// `attributes` is what stands in its braces.
inline mlir::OwningOpRef<mlir::ModuleOp> parseOp(llvm::StringRef op, llvm::StringRef attributes,
                                                 llvm::ArrayRef<HostTensor> operands,
                                                 llvm::StringRef resultTypes) {
  std::string arguments, names, types;
  for (auto [i, operand] : llvm::enumerate(operands)) {
    std::string comma = i ? ", " : "";
    std::string name = "%a" + std::to_string(i);
    arguments += comma + name + ": " + typeOf(operand);
    names += comma + name;
    types += comma + typeOf(operand);
  }
  std::string text = "func.func @f(" + arguments + ") {\n\"nn." + op.str() + "\"(" + names + ") {" +
                     attributes.str() + "} : (" + types + ") -> (" + resultTypes.str() +
                     ")\nreturn\n}\n";
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &getTestContext());
  EXPECT_TRUE(module) << text;
  return module;
}

inline mlir::Operation *getOp(mlir::ModuleOp module) {
  auto function = *module.getOps<mlir::func::FuncOp>().begin();
  return &function.getBody().front().front();
}

/// Evaluates an op; result types are given as text.
inline llvm::SmallVector<HostTensor> run(llvm::StringRef op, llvm::StringRef attributes,
                                         llvm::ArrayRef<HostTensor> operands,
                                         llvm::StringRef resultTypes) {
  llvm::SmallVector<HostTensor> results;
  auto module = parseOp(op, attributes, operands, resultTypes);
  EXPECT_TRUE(module && mlir::succeeded(evaluateOp(getOp(*module), operands, results))) << op.str();
  // After a failure: as many as any op has, unallocated.
  while (results.size() < 4)
    results.emplace_back();
  return results;
}

inline void expectValues(const HostTensor &actual, llvm::ArrayRef<double> expected,
                         double tolerance = 1e-6) {
  ASSERT_TRUE(actual.isAllocated());
  ASSERT_EQ(actual.getNumElements(), static_cast<int64_t>(expected.size()));
  for (auto [i, value] : llvm::enumerate(expected)) {
    double got = actual.getDouble(i);
    if (std::isnan(value))
      EXPECT_TRUE(std::isnan(got)) << "element " << i << " is " << got;
    else if (std::isinf(value))
      EXPECT_EQ(got, value) << "element " << i;
    else
      EXPECT_NEAR(got, value, tolerance * std::max(1.0, std::abs(value))) << "element " << i;
  }
}

inline void expectTensor(const HostTensor &actual, llvm::ArrayRef<int64_t> shape,
                         llvm::ArrayRef<double> expected, double tolerance = 1e-6) {
  EXPECT_EQ(actual.getShape(), shape);
  expectValues(actual, expected, tolerance);
}

} // namespace sinter::nn

#endif // SINTER_TEST_UNIT_NN_TESTING_H
