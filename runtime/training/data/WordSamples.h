//===- WordSamples.h - what word vectors are learned from -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_RUNTIME_TRAINING_DATA_WORDSAMPLES_H
#define SINTER_RUNTIME_TRAINING_DATA_WORDSAMPLES_H

#include "runtime/training/data/Source.h"

namespace sinter::training {

/// A text as numbers of its words.
struct WordText {
  std::string path;
  std::vector<std::string> names; ///< of the words
  std::vector<int64_t> words;
};

/// How often each word occurs.
std::vector<int64_t> countWords(const WordText &text);

/// Leaves an occurrence of a word of frequency f out with probability 1 − √(t/f), so that frequent
/// words weigh less (Mikolov et al., "Distributed Representations of Words and Phrases and their
/// Compositionality", 2013, section 2.3). Which ones is the same each time.
void subsample(WordText &text, double t);

/// `context`, the `window` words on either side; the target is the word between them (CBOW:
/// T. Mikolov et al., "Efficient Estimation of Word Representations in Vector Space", 2013).
std::unique_ptr<Source> makeContexts(WordText text, int64_t window);
/// `word`; the target is one of the `window` words on either side, each a sample (skip-gram).
std::unique_ptr<Source> makePairs(WordText text, int64_t window);
/// `word`, `context`; the target is how often they stand within `window` words of each other, one
/// that is d words off counting 1/d (GloVe: J. Pennington et al., 2014, section 4.2).
std::unique_ptr<Source> makeCounts(WordText text, int64_t window);

} // namespace sinter::training

#endif // SINTER_RUNTIME_TRAINING_DATA_WORDSAMPLES_H
