//===- Models.cpp - sinter models -----------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/driver/Commands.h"
#include "compiler/import/description/Description.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace sinter;

int sinter::driver::listModels(bool small) {
  if (small) {
    for (const description::BuiltIn &model : description::getBuiltIns())
      llvm::outs() << model.name << ':' << model.small << '\n';
    return Good;
  }
  for (const description::BuiltIn &model : description::getBuiltIns()) {
    llvm::outs() << llvm::left_justify(model.name, 21) << model.summary
                 << "\n                     ";
    for (const description::BuiltIn::Size &size : model.sizes) {
      llvm::outs() << (&size == model.sizes.begin() ? "" : ",") << size.name << '=';
      if (size.kinds.empty())
        llvm::outs() << size.value;
      else
        llvm::outs() << llvm::join(size.kinds, "|");
    }
    llvm::outs() << '\n';
  }
  return Good;
}
