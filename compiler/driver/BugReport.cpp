//===- BugReport.cpp - when the compiler is at fault ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/driver/BugReport.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Signals.h"
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace mlir;
using namespace sinter;
using namespace sinter::driver;

BugReport::BugReport(const CompileArguments &arguments) : arguments(arguments) {}

void BugReport::install(StringRef output) {
  file = (output + ".reproducer.mlir").str();
  words = {"sinter", "compile", arguments.model, "--no-bug-report", "--quiet", "-o", file};
  words.push_back("--target=" + arguments.target);
  words.push_back("--codegen=" + arguments.codegen);
  words.push_back("-O" + std::to_string(arguments.optLevel));
  for (auto &[name, size] : arguments.dims)
    words.push_back("--dim=" + name + "=" + std::to_string(size));
  if (arguments.noFuse)
    words.emplace_back("--no-fuse");
  if (arguments.noLayout)
    words.emplace_back("--no-layout");
  words.emplace_back("--emit");
  for (std::string &word : words)
    command.push_back(word.data());
  emitAt = command.size();
  command.resize(emitAt + 2, nullptr);
  installed = true;
  llvm::sys::AddSignalHandler(handleCrash, this);
  // A file that grows too large is an error of writing, not a crash.
  std::signal(SIGXFSZ, SIG_IGN);
}

void BugReport::enter(StringRef name) {
  phase = name.str();
  reached = llvm::StringSwitch<const char *>(name)
                .Case("import", nullptr)
                .Case("nn-opt", "nn")
                .Case("kernel", "nn-opt")
                .Case("kernel-tiled", "kernel")
                .Default("kernel-tiled");
}

// A failure that nobody explained is a bug: a model's faults are found, and
// named, before kernels are made. So is IR that the verifier rejects, whatever
// was reported; who writes IR by hand answers for what later phases make of it.
bool BugReport::isBug(Session &session) const {
  if (!session.hasErrors())
    return true;
  std::string complaint;
  {
    ScopedDiagnosticHandler quiet(&session.getContext(), [&](Diagnostic &diagnostic) {
      if (complaint.empty())
        complaint = diagnostic.str();
      return success();
    });
    if (failed(verify(session.getModule())) && StringRef(session.getErrors()).contains(complaint))
      return true;
  }
  bool internal = phase == "kernel-tiled" || phase == "kernels" || phase == "host";
  return internal && !StringRef(arguments.model).ends_with(".mlir");
}

int BugReport::status(Session &session) {
  if (!isBug(session))
    return ModelFault;
  report(session.hasErrors() ? "failed" : "failed without a reason");
  return Bug;
}

void BugReport::handleCrash(void *self) {
  static_cast<BugReport *>(self)->report("crashed");
  _exit(Bug);
}

// Only calls that a signal handler may make.
void BugReport::report(const char *what) {
  auto say = [](const char *text) {
    for (size_t left = std::strlen(text); left;) {
      ssize_t count = write(STDERR_FILENO, text, left);
      if (count <= 0)
        return;
      text += count;
      left -= count;
    }
  };
  say("error: Sinter ");
  say(what);
  say(" in phase ");
  say(phase.c_str());
  say(": this is a bug in Sinter, not in the model; please report it\n");
  if (!installed)
    return;
  if (reached && writeReproducer()) {
    say("  note: the module as it was before that is in ");
    say(file.c_str());
    say("; compile it to see the bug again\n");
  } else {
    say("  note: the model itself shows it: ");
    say(arguments.model.c_str());
    say("\n");
  }
}

bool BugReport::writeReproducer() {
  command[emitAt] = const_cast<char *>(reached);
  pid_t child = fork();
  if (child < 0)
    return false;
  if (child == 0) {
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    // What the crash blocked must not be blocked there.
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    execv("/proc/self/exe", command.data());
    _exit(127);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
