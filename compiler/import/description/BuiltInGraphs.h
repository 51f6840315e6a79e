//===- BuiltInGraphs.h - built-in models that are graphs --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each gives the Keras configuration for its sizes; see the table in BuiltIn.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_IMPORT_DESCRIPTION_BUILTINGRAPHS_H
#define SINTER_COMPILER_IMPORT_DESCRIPTION_BUILTINGRAPHS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/JSON.h"

namespace sinter::description {

/// size, channels, filters, blocks, classes
llvm::json::Value buildResNet(llvm::ArrayRef<int64_t> sizes);
/// sequence, tokens, width, heads, layers, classes
llvm::json::Value buildTransformerEncoder(llvm::ArrayRef<int64_t> sizes);
/// sequence, tokens, width, heads, layers
llvm::json::Value buildTransformerDecoder(llvm::ArrayRef<int64_t> sizes);
/// sequence, tokens, width, hidden, classes
llvm::json::Value buildTextClassifier(llvm::ArrayRef<int64_t> sizes);

/// source, target, tokens, width, hidden, layers, cell
llvm::json::Value buildSeq2Seq(llvm::ArrayRef<int64_t> sizes);
/// words, width, window, negatives, mode
llvm::json::Value buildWord2Vec(llvm::ArrayRef<int64_t> sizes);
/// words, width
llvm::json::Value buildGlove(llvm::ArrayRef<int64_t> sizes);
/// size, channels, hidden, code, kind
llvm::json::Value buildAutoencoder(llvm::ArrayRef<int64_t> sizes);

} // namespace sinter::description

#endif // SINTER_COMPILER_IMPORT_DESCRIPTION_BUILTINGRAPHS_H
