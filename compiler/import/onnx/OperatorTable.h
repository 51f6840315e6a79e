//===- OperatorTable.h - which operator is imported by what ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_COMPILER_IMPORT_ONNX_OPERATORTABLE_H
#define SINTER_COMPILER_IMPORT_ONNX_OPERATORTABLE_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/LogicalResult.h"

namespace sinter::onnx_import {

class Node;

/// Builds the nn ops of one node and sets its outputs. On failure an error has
/// been reported through the node.
using BuildFunction = llvm::LogicalResult (*)(Node &);

/// How many inputs a node may have. The first `min` are there when the builder
/// is called; the rest may be absent (an empty name) one by one.
struct Inputs {
  static constexpr unsigned variadic = ~0u;
  Inputs(unsigned count) : min(count), max(count) {}
  Inputs(unsigned min, unsigned max) : min(min), max(max) {}
  unsigned min, max;
};

struct Operator {
  llvm::StringRef domain; ///< "" is ai.onnx
  llvm::StringRef name;
  /// First opset version for which `build` is right.
  int64_t since;
  BuildFunction build;
  Inputs inputs;
  unsigned maxOutputs;
};

/// (domain, operator, since-version) → builder.
class OperatorTable {
public:
  /// The table of all families.
  static const OperatorTable &get();

  /// Adds an operator of ai.onnx. Entries of one name differ in `since`; the
  /// greatest one that is not above the model's opset counts.
  void add(llvm::StringRef name, int64_t since, BuildFunction build, Inputs inputs,
           unsigned maxOutputs = 1, llvm::StringRef domain = "");

  /// The entry for an opset version, or null.
  const Operator *lookup(llvm::StringRef domain, llvm::StringRef name, int64_t opset) const;
  /// The first version that has the operator, or 0.
  int64_t firstVersion(llvm::StringRef domain, llvm::StringRef name) const;
  /// The known operator of that domain with the most similar name, or "".
  llvm::StringRef nearest(llvm::StringRef domain, llvm::StringRef name) const;
  void forEach(llvm::function_ref<void(const Operator &)> callback) const;

private:
  static std::string key(llvm::StringRef domain, llvm::StringRef name);
  llvm::StringMap<llvm::SmallVector<Operator, 1>> operators;
};

#define FAMILY(name) void register##name##Operators(OperatorTable &table);
#include "compiler/import/onnx/Families.def"
#undef FAMILY

} // namespace sinter::onnx_import

#endif // SINTER_COMPILER_IMPORT_ONNX_OPERATORTABLE_H
