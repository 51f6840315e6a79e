//===- Emulator.cpp - runs libraries for other processors -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/driver/Emulator.h"
#include "runtime/Bitcode.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::driver;

std::optional<FamilyDescription> sinter::driver::foreignFamily(const std::string &library) {
  auto buffer = llvm::MemoryBuffer::getFileSlice(library, sizeof(llvm::ELF::Elf64_Ehdr), 0);
  if (!buffer || !(*buffer)->getBuffer().starts_with(llvm::ELF::ElfMagic))
    return std::nullopt;
  llvm::ELF::Elf64_Ehdr header;
  std::memcpy(&header, (*buffer)->getBufferStart(), sizeof header);
  // Families list all CPUs that LLVM knows, some 2 ms: not for a library of this machine's.
  if (header.e_machine == llvm::ELF::convertArchNameToEMachine(hostArchitecture()))
    return std::nullopt;
  for (const FamilyDescription &family : describeFamilies())
    if (family.elfMachine == header.e_machine && family.arch != hostArchitecture())
      return family;
  return std::nullopt;
}

Emulator::~Emulator() {
  if (!folder.empty())
    static_cast<void>(llvm::sys::fs::remove_directories(folder)); // what stays is a temporary file
}

static bool writeFile(const std::string &path, StringRef bytes, std::string &error) {
  std::error_code code;
  llvm::raw_fd_ostream os(path, code);
  os << bytes;
  os.close();
  if (!code && !os.has_error())
    return true;
  os.clear_error();
  error = "can't write " + path;
  return false;
}

bool Emulator::open(const FamilyDescription &wanted, const std::string &path, int32_t wantedThreads,
                    std::string &error) {
  family = wanted;
  threads = wantedThreads;
  auto found = llvm::sys::findProgramByName(family.emulator);
  if (!found || !llvm::sys::fs::is_directory(family.sysroot)) {
    error = path + " is for " + family.arch + ", and this machine has no " + family.emulator +
            " with a libc in " + family.sysroot + " to run it: apt-get install " + family.packages;
    return false;
  }
  emulator = *found;
  SmallString<128> absolute(path);
  if (std::error_code code = llvm::sys::fs::make_absolute(absolute)) {
    error = "can't find " + path + ": " + code.message();
    return false;
  }
  library = std::string(absolute);
  SmallString<128> made;
  if (std::error_code code = llvm::sys::fs::createUniqueDirectory("sinter-emulate", made)) {
    error = "can't make a temporary folder: " + code.message();
    return false;
  }
  folder = std::string(made);
  Embedded runner = runnerProgram(family.arch);
  if (!writeFile(file("runner"), StringRef(runner.data, runner.size), error))
    return false;
  if (std::error_code code =
          llvm::sys::fs::setPermissions(file("runner"), llvm::sys::fs::owner_all)) {
    error = "can't make " + file("runner") + " a program: " + code.message();
    return false;
  }
  return true;
}

namespace {
/// The response, read from its beginning; `good` falls when it is too short.
struct Reader {
  StringRef bytes;
  bool good = true;

  StringRef take(int64_t size) {
    good &= size >= 0 && uint64_t(size) <= bytes.size();
    StringRef result = bytes.take_front(good ? size : 0);
    bytes = bytes.drop_front(result.size());
    return result;
  }
  int64_t number() {
    StringRef text = take(sizeof(int64_t));
    int64_t value = 0;
    std::memcpy(&value, text.data(), text.size());
    return value;
  }
  StringRef text() { return take(number()); }
};
} // namespace

static std::string writeRequest(ArrayRef<nn::HostTensor> inputs, int32_t threads) {
  std::string bytes;
  auto put = [&](int64_t value) {
    bytes.append(reinterpret_cast<const char *>(&value), sizeof value);
  };
  put(threads);
  put(inputs.size());
  for (const nn::HostTensor &input : inputs) {
    DLDataType type = toDLDataType(input.getElementType());
    put(type.code);
    put(type.bits);
    put(input.getRank());
    for (int64_t dim : input.getShape())
      put(dim);
    int64_t size = input.getNumElements() * input.getElementBytes();
    put(size);
    bytes.append(input.bytes(), size);
    bytes.append((8 - size % 8) % 8, '\0');
  }
  return bytes;
}

bool Emulator::run(ArrayRef<nn::HostTensor> inputs, std::vector<NamedTensor> &outputs,
                   MLIRContext &context, std::string &error) {
  if (!writeFile(file("request"), writeRequest(inputs, threads), error))
    return false;
  std::string runner = file("runner"), request = file("request"), response = file("response");
  SmallVector<StringRef> arguments = {emulator, "-L", family.sysroot};
  if (!family.emulatedCpu.empty())
    arguments.append({"-cpu", family.emulatedCpu});
  arguments.append({runner, library, request, response});
  std::string message;
  int status = llvm::sys::ExecuteAndWait(emulator, arguments, std::nullopt, {}, 0, 0, &message);
  auto buffer = llvm::MemoryBuffer::getFile(response, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (status != 0 || !buffer) {
    error = family.emulator + " ended with " + std::to_string(status) +
            (message.empty() ? "" : ": " + message);
    return false;
  }
  Reader reader{(*buffer)->getBuffer()};
  if (reader.number() != 0) {
    error = reader.text().str();
    return false;
  }
  outputs.clear();
  for (int64_t count = reader.number(); reader.good && count > 0; --count) {
    std::string name = reader.text().str();
    DLDataType type = {};
    type.code = reader.number();
    type.bits = reader.number();
    SmallVector<int64_t> shape;
    for (int64_t rank = reader.number(); reader.good && rank > 0; --rank)
      shape.push_back(reader.number());
    StringRef data = reader.text();
    if (!reader.good)
      break;
    nn::HostTensor tensor(fromDLDataType(type, context), shape);
    if (int64_t(data.size()) != tensor.getNumElements() * tensor.getElementBytes()) {
      reader.good = false;
      break;
    }
    std::memcpy(tensor.mutableBytes(), data.data(), data.size());
    outputs.push_back({name, tensor});
  }
  if (!reader.good)
    error = family.emulator + " left half a result";
  return reader.good;
}
