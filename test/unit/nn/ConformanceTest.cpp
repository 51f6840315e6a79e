//===- ConformanceTest.cpp - the evaluator on ONNX's own test cases -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Imports each case of Debian's libonnx-testdata, runs the module op by op with
// the evaluator, and compares with the recorded outputs. What the importer
// refuses (strings, sequences, …) is its own tests' affair and is only counted.
//
//===----------------------------------------------------------------------===//

#include "Interpret.h"
#include "compiler/import/onnx/Importer.h"
#include "compiler/import/onnx/TensorFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <algorithm>
#include <cstdlib>

using namespace mlir;
using namespace sinter::nn;

// The files input_0.pb, input_1.pb, … of a data set.
static std::vector<HostTensor> readTensors(StringRef folder, StringRef kind, std::string &error) {
  std::vector<HostTensor> tensors;
  for (int i = 0;; ++i) {
    std::string path = (folder + "/" + kind + "_" + Twine(i) + ".pb").str(), name;
    if (!llvm::sys::fs::exists(path))
      return tensors;
    ElementsAttr attribute =
        sinter::onnx_import::readTensorFile(path, getTestContext(), name, error);
    if (!attribute)
      return tensors;
    tensors.push_back(HostTensor::fromAttribute(attribute));
  }
}

// ONNX's cases record bf16 as its bits in ui16.
static HostTensor asRecorded(HostTensor tensor, Type elementType) {
  if (!elementType.isBF16() || !tensor.getElementType().isUnsignedInteger(16))
    return tensor;
  HostTensor result(elementType, tensor.getShape());
  memcpy(result.mutableBytes(), tensor.bytes(), tensor.getNumElements() * 2);
  return result;
}

static std::string compare(const HostTensor &actual, const HostTensor &expected) {
  if (typeOf(actual) != typeOf(expected))
    return typeOf(actual) + ", expected " + typeOf(expected);
  constexpr double absolute = 1e-7; // with relative 1e-3: ONNX's own tolerances
  // The recorded bf16 values were truncated, not rounded.
  double relative = expected.getElementType().isBF16() ? 8e-3 : 1e-3;
  for (int64_t i = 0, e = actual.getNumElements(); i < e; ++i) {
    double a = actual.getDouble(i), b = expected.getDouble(i);
    if (a == b || (std::isnan(a) && std::isnan(b)))
      continue;
    if (!(std::abs(a - b) <= absolute + relative * std::abs(b)))
      return "element " + std::to_string(i) + " is " + std::to_string(a) + ", expected " +
             std::to_string(b);
  }
  return "";
}

namespace {
enum class Outcome { passed, refused };
} // namespace

static Outcome runCase(StringRef folder) {
  std::string messages;
  ScopedDiagnosticHandler handler(&getTestContext(), [&](Diagnostic &diagnostic) {
    messages += diagnostic.str() + "\n";
    return success();
  });
  auto module = sinter::onnx_import::importOnnx((folder + "/model.onnx").str(), getTestContext());
  std::string error, data = (folder + "/test_data_set_0").str();
  std::vector<HostTensor> inputs = readTensors(data, "input", error),
                          outputs = readTensors(data, "output", error);
  if (!module || !error.empty() || outputs.empty()) {
    if (std::getenv("SINTER_VERBOSE"))
      llvm::outs() << llvm::sys::path::filename(folder) << ": " << messages << error << "\n";
    return Outcome::refused;
  }
  auto main = module->lookupSymbol<func::FuncOp>("main");
  Block &body = main.getBody().front();
  if (body.getNumArguments() != inputs.size())
    return Outcome::refused;
  Values values;
  for (auto [argument, input] : llvm::zip(body.getArguments(), inputs))
    values[argument] = asRecorded(input, cast<ShapedType>(argument.getType()).getElementType());
  SmallVector<HostTensor> results;
  if (failed(runBlock(body, values, results))) {
    ADD_FAILURE() << folder.str() << ": " << messages;
    return Outcome::passed;
  }
  EXPECT_EQ(results.size(), outputs.size()) << folder.str();
  for (auto [i, expected] : llvm::enumerate(outputs))
    if (i < results.size()) {
      std::string difference =
          compare(results[i], asRecorded(expected, results[i].getElementType()));
      EXPECT_EQ(difference, "") << folder.str() << " output " << i;
    }
  return Outcome::passed;
}

class Conformance : public testing::TestWithParam<const char *> {};

TEST_P(Conformance, Cases) {
  const char *root = std::getenv("SINTER_ONNX_TESTDATA");
  std::string folder =
      std::string(root ? root : "/usr/share/libonnx-testdata/data") + "/" + GetParam();
  if (!llvm::sys::fs::is_directory(folder))
    GTEST_SKIP() << "no libonnx-testdata in " << folder;
  std::vector<std::string> cases;
  std::error_code code;
  for (llvm::sys::fs::directory_iterator it(folder, code), end; it != end && !code;
       it.increment(code))
    // The recorded outputs of adam_multiple were made with epsilon = 0.01, which its model lacks.
    if (llvm::StringRef name = llvm::sys::path::filename(it->path());
        name != "test_adam_multiple" &&
        // The recorded masks are numpy's own random numbers.
        (!name.starts_with("test_training_dropout") || name.contains("zero_ratio")))
      cases.push_back(it->path());
  llvm::sort(cases);
  int passed = 0;
  for (const std::string &path : cases)
    if (runCase(path) == Outcome::passed)
      ++passed;
  llvm::outs() << passed << " of " << cases.size() << " cases run\n";
  EXPECT_GT(passed, 0);
}

INSTANTIATE_TEST_SUITE_P(Onnx, Conformance,
                         testing::Values("node", "simple", "pytorch-converted",
                                         "pytorch-operator"));
