//===- Yaml.h - YAML as JSON's values ---------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_COMPILER_IMPORT_DESCRIPTION_YAML_YAML_H
#define SINTER_COMPILER_IMPORT_DESCRIPTION_YAML_YAML_H

#include "llvm/Support/JSON.h"
#include <optional>
#include <string>

namespace sinter::description {

/// Reads a text of one document. Plain scalars are what YAML 1.2's core schema says, `<<` merges
/// maps, tags such as Python's `!!python/tuple` count for nothing. Nothing after an error, of which
/// `error` tells line and column.
std::optional<llvm::json::Value> parseYaml(llvm::StringRef text, std::string &error);

} // namespace sinter::description

#endif // SINTER_COMPILER_IMPORT_DESCRIPTION_YAML_YAML_H
