//===- Open.cpp - what --data names ---------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/Error.h"
#include "runtime/training/data/Bytes.h"
#include "runtime/training/data/Formats.h"

using namespace sinter::training;

static bool endsWith(const std::string &text, const std::string &ending) {
  return text.size() >= ending.size() &&
         text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

static bool hasFile(const std::string &folder, const std::string &prefix,
                    const std::string &ending) {
  if (!isFolder(folder))
    return false;
  for (const std::string &name : listFolder(folder))
    if (name.rfind(prefix, 0) == 0 && endsWith(name, ending) && isFile(folder + "/" + name))
      return true;
  return false;
}

static bool isCifar10(const std::string &path) {
  return hasFile(path, "data_batch_", ".bin") || endsWith(path, ".bin");
}
static bool isIdx(const std::string &path) {
  return hasFile(path, "train-images-idx3-ubyte", "") ||
         hasFile(path, "train-labels-idx1-ubyte", "");
}
static bool isNumpy(const std::string &path) {
  return endsWith(path, ".npz") || endsWith(path, ".npy") || hasFile(path, "", ".npy");
}
static bool isCsv(const std::string &path) {
  return endsWith(path, ".csv") || endsWith(path, ".csv.gz");
}
static bool isText(const std::string &path) {
  return endsWith(path, ".txt") || endsWith(path, ".txt.gz");
}
static bool isPairs(const std::string &path) { return endsWith(path, ".tsv"); }
static bool isStream(const std::string &path) { return path == "-"; }
static bool isNever(const std::string &) { return false; }
static bool isAnyFolder(const std::string &path) { return isFolder(path); }

namespace {
/// One line adds a format.
struct Format {
  const char *name;
  bool (*fits)(const std::string &path);
  Dataset (*open)(const std::string &path, Settings &settings);
  const char *description;
};
} // namespace

// The first that fits is taken.
static const Format Formats[] = {
    {"cifar10", isCifar10, openCifar10, "folder of data_batch_*.bin, or one .bin"},
    {"idx", isIdx, openIdx, "folder of MNIST's files, *-ubyte or *-ubyte.gz"},
    {"npy", isNumpy, openNumpy, ".npz, or a folder of .npy; ?target=y"},
    {"csv", isCsv, openCsv, ".csv; ?target=COLUMN"},
    {"text", isText, openText,
     ".txt; ?unit=byte|char|word|bpe&length=64&words=10000&vocabulary=FILE; for word vectors "
     "?window=4&samples=contexts|pairs|counts&subsample=0"},
    {"pairs", isPairs, openPairs, ".tsv, two texts a line; ?shifted=yes|no"},
    {"sqlite", isNever, openSqlite, "sqlite:FILE?target=COLUMN&classes=A,B&query=SELECT ..."},
    {"stream", isStream, openStream, "-, lines of JSON; -?format=csv; ?target=FIELD&classes=A,B"},
    {"png", isAnyFolder, openPng, "a folder of .png for each class; ?channels=1|3"},
};

static Spec parse(const std::string &text) {
  std::vector<std::string> names;
  for (const Format &format : Formats)
    names.emplace_back(format.name);
  return parseSpec(text, names);
}

bool sinter::training::isStandardInput(const std::string &text) {
  Spec spec = parse(text);
  return spec.format == "stream" || (spec.format.empty() && isStream(spec.path));
}

Dataset sinter::training::openDataset(const std::string &text) {
  Spec spec = parse(text);
  Settings settings(spec);
  for (const Format &format : Formats)
    if (spec.format.empty() ? format.fits(spec.path) : spec.format == format.name)
      return format.open(spec.path, settings);
  if (!isFile(spec.path) && !isFolder(spec.path))
    throw Error("can't read " + spec.path + ": there is no such file or folder");
  throw Error(spec.path + ": the format doesn't show in the name; put it before, as in csv:" +
              spec.path + "\n" + describeFormats());
}

std::string sinter::training::describeFormats() {
  std::string text;
  for (const Format &format : Formats) {
    std::string name = format.name;
    text += "  " + name + std::string(9 - name.size(), ' ') + format.description + "\n";
  }
  return text;
}
