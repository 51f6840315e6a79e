//===- Formats.h - the readers of data --------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_RUNTIME_TRAINING_DATA_FORMATS_H
#define SINTER_RUNTIME_TRAINING_DATA_FORMATS_H

#include "runtime/training/data/Source.h"
#include "runtime/training/data/Spec.h"

namespace sinter::training {

/// Opens what `--data` names, in the format that it says or that its path shows.
Dataset openDataset(const std::string &text);
/// Whether that is the standard input.
bool isStandardInput(const std::string &text);

/// The formats' names and a line on each, for --help and errors.
std::string describeFormats();

/// CIFAR-10's binary files: records of a label and 3072 bytes, a plane a colour.
/// Samples are [32, 32, 3]. A folder's test_batch.bin is the validation set.
Dataset openCifar10(const std::string &path, Settings &settings);

/// MNIST's IDX files, also packed by gzip: a folder with train-images-idx3-ubyte and
/// train-labels-idx1-ubyte; t10k-… is the validation set. Samples are [rows, columns, 1].
Dataset openIdx(const std::string &path, Settings &settings);

/// A .npz archive, whose arrays are the columns, or a folder of .npy files.
/// The array `y` (or `target=NAME`) is the target.
Dataset openNumpy(const std::string &path, Settings &settings);

/// Comma-separated values, the first line their names. The last column (or
/// `target=NAME`) is the target; text there are classes.
Dataset openCsv(const std::string &path, Settings &settings);

/// A folder of PNG pictures of one size, a folder a class; `train/` and `test/` (or
/// `validation/`) may stand above. `channels=1` or 3 converts.
Dataset openPng(const std::string &path, Settings &settings);

/// Text as windows of tokens, the target the same one token later.
/// `unit=byte|char|word|bpe`, `length=`, `vocabulary=`. With `window=`, samples for
/// word vectors, as `samples=` and `subsample=` say: WordSamples.h.
Dataset openText(const std::string &path, Settings &settings);

/// Pairs of texts, one a line and a tab between them, by characters. `shifted=no` leaves
/// out what a decoder is fed with.
Dataset openPairs(const std::string &path, Settings &settings);

/// What an SQL query gives, a row a sample; streamed. `query=SELECT …`.
Dataset openSqlite(const std::string &path, Settings &settings);

/// The standard input: lines of JSON objects (`-`) or CSV (`-?format=csv`).
Dataset openStream(const std::string &path, Settings &settings);

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_DATA_FORMATS_H
