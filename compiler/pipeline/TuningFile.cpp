//===- TuningFile.cpp - choices of schedules, kept as text ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/pipeline/TuningFile.h"
#include "targets/native/OutputFile.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace sinter;
using llvm::StringRef;

bool sinter::readTuning(StringRef path, std::string &cpu, Tuning &tuning, std::string &error) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer) {
    error = "can't read " + path.str() + ": " + buffer.getError().message();
    return false;
  }
  Choices *choices = nullptr;
  StringRef rest = (*buffer)->getBuffer();
  for (unsigned number = 1; !rest.empty(); ++number) {
    StringRef line;
    std::tie(line, rest) = rest.split('\n');
    auto [word, value] = line.trim().split(' ');
    value = value.trim();
    if (word.empty() || word.starts_with("#"))
      continue;
    if (word == "cpu" && !value.empty()) {
      cpu = value.str();
    } else if (word == "kernel" && !value.empty()) {
      choices = &tuning[value.split(' ').first.str()];
    } else if (choices && !value.empty()) {
      choices->fix(word, value);
    } else {
      error = path.str() + ":" + std::to_string(number) + ": '" + line.trim().str() +
              "' is no line of a tuning file";
      return false;
    }
  }
  if (!cpu.empty())
    return true;
  error = path.str() + " does not say which cpu was measured";
  return false;
}

bool sinter::writeTuning(StringRef path, StringRef cpu, const Tuning &tuning,
                         const llvm::StringMap<std::string> &names, std::string &error) {
  return writeOutputFile(
      path,
      [&](llvm::raw_ostream &os) {
        os << "# Schedules that were faster than the cost model's; for sinter compile "
              "--tuning=FILE\n"
           << "cpu " << cpu << '\n';
        for (auto &[fingerprint, choices] : tuning) {
          if (choices.getFixed().empty())
            continue;
          os << "kernel " << fingerprint << ' ' << names.lookup(fingerprint) << '\n';
          for (auto &[decision, candidate] : choices.getFixed())
            os << "  " << decision << ' ' << candidate << '\n';
        }
      },
      error);
}
