//===- TextTest.cpp - vocabularies, windows and pairs ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Testing.h"
#include "runtime/training/data/Vocabulary.h"

using namespace sinter::training;
using testing::HasSubstr;
using Tokens = std::vector<int64_t>;

TEST(Text, Windows) {
  Folder folder;
  std::string file = folder.write("a.txt", "abcabcab");
  Dataset data = openDataset(file + "?length=3");
  ASSERT_EQ(data.training->count(), 2);
  EXPECT_EQ(data.training->getColumns()[1].classes, 3);
  Sample sample = readSample(*data.training, 1);
  EXPECT_EQ(sample[0].integers, (Tokens{0, 1, 2}));
  EXPECT_EQ(sample[1].integers, (Tokens{1, 2, 0}));
  EXPECT_EQ(openDataset(file + "?length=3&unit=byte").training->getColumns()[0].classes, 256);
  EXPECT_THAT(openError(file), HasSubstr("8 tokens, too few for one window of 64"));
  EXPECT_THAT(openError(file + "?unit=line"), HasSubstr("there is no unit=line"));
  EXPECT_THAT(openError(file + "?length=0"), HasSubstr("at least 1"));
  EXPECT_THAT(openError(folder.write("b.txt", "")), HasSubstr("is empty"));
}

TEST(Vocabulary, CharactersAreOfUtf8) {
  Vocabulary vocabulary = Vocabulary::characters("bäa\xff");
  EXPECT_EQ(vocabulary.getTokens(), (std::vector<std::string>{"a", "b", "ä", "\xff"}));
  EXPECT_EQ(vocabulary.encode("äb", "here"), (Tokens{2, 1}));
  EXPECT_THAT(errorOf([&] { vocabulary.encode("ac", "here"); }),
              HasSubstr("here: the vocabulary has no 'c' (byte 1)"));
}

TEST(Vocabulary, WordsByFrequency) {
  Vocabulary vocabulary = Vocabulary::words("The cat, the dog. A cat; the end", 4);
  EXPECT_EQ(vocabulary.getTokens(), (std::vector<std::string>{"<unknown>", "the", "cat", "a"}));
  EXPECT_EQ(vocabulary.encode("the dog's CAT", "here"), (Tokens{1, 0, 0, 2}));
}

// The numbers are GPT-2's: 'h' is 71, 'e' 68, 'Ġ' (a space) 220.
TEST(Vocabulary, BytePairs) {
  Folder folder;
  std::string merges = folder.write("merges.txt", "#version: 0.2\nĠ h\nh e\nĠh e\n");
  Vocabulary vocabulary = Vocabulary::bytePairs(merges);
  EXPECT_EQ(vocabulary.size(), 259);
  EXPECT_EQ(vocabulary.encode("he", "here"), (Tokens{257}));
  EXPECT_EQ(vocabulary.encode("x he h", "here"), (Tokens{87, 258, 256}));
  EXPECT_EQ(vocabulary.getTokens()[258], " he");
  EXPECT_THAT(errorOf([&] { Vocabulary::bytePairs(folder.write("bad", "a b c\n")); }),
              HasSubstr("bad:1: 'a b c' is not two tokens"));
  EXPECT_THAT(errorOf([&] { Vocabulary::bytePairs(folder.write("bad", "a b\nab cd\n")); }),
              HasSubstr("bad:2: 'ab cd' merges a token that no line before it makes"));
  EXPECT_THAT(errorOf([&] { Vocabulary::bytePairs(folder.write("bad", "\n")); }),
              HasSubstr("has no merges"));
  EXPECT_THAT(openError(folder.write("a.txt", "x") + "?unit=bpe"),
              HasSubstr("needs vocabulary=FILE"));
}

TEST(Text, ContextsOfWords) {
  Folder folder;
  std::string file = folder.write("a.txt", "a b a c a");
  Dataset data = openDataset(file + "?unit=word&window=1");
  ASSERT_EQ(data.training->count(), 3);
  Sample sample = readSample(*data.training, 1); // the second a; a, b, c are 1, 2, 3
  EXPECT_EQ(sample[0].integers, (Tokens{2, 3}));
  EXPECT_EQ(sample[1].integers, (Tokens{1}));
  EXPECT_THAT(openError(file + "?unit=word&window=3"),
              HasSubstr("5 tokens, too few for a window of 3"));
}

// The words on either side of a word, one by one.
TEST(Text, PairsOfWords) {
  Folder folder;
  std::string file = folder.write("a.txt", "a b a c a");
  Dataset data = openDataset(file + "?unit=word&window=1&samples=pairs");
  ASSERT_EQ(data.training->count(), 6);
  std::vector<int64_t> words, others;
  for (int64_t i = 0; i < 6; ++i) {
    Sample sample = readSample(*data.training, i);
    words.push_back(sample[0].integers[0]);
    others.push_back(sample[1].integers[0]);
  }
  EXPECT_EQ(words, (Tokens{2, 2, 1, 1, 3, 3}));
  EXPECT_EQ(others, (Tokens{1, 1, 2, 3, 1, 1}));
  EXPECT_EQ(data.training->getClassCounts(), (Tokens{0, 3, 1, 1}));
}

// How often two words are near each other, by their distance.
TEST(Text, CountsOfWords) {
  Folder folder;
  std::string file = folder.write("a.txt", "a b a c b");
  Dataset data = openDataset(file + "?unit=word&window=2&samples=counts");
  std::map<std::pair<int64_t, int64_t>, float> counts;
  for (int64_t i = 0; i < data.training->count(); ++i) {
    Sample sample = readSample(*data.training, i);
    counts[{sample[0].integers[0], sample[1].integers[0]}] = sample[2].reals[0];
  }
  // a b, b a, a c, c b next to each other; a a, b c and a b with one word between.
  EXPECT_EQ(counts, (decltype(counts){{{1, 1}, 1.0f},
                                      {{1, 2}, 2.5f},
                                      {{1, 3}, 1.0f},
                                      {{2, 1}, 2.5f},
                                      {{2, 3}, 1.5f},
                                      {{3, 1}, 1.0f},
                                      {{3, 2}, 1.5f}}));
}

// Frequent words are left out more often than rare ones, the same each time.
TEST(Text, SubsampledWords) {
  Folder folder;
  std::string text;
  for (int i = 0; i < 400; ++i)
    text += i % 20 ? "often " : "rare ";
  std::string file = folder.write("a.txt", text);
  auto open = [&](const std::string &more) {
    return openDataset(file + "?unit=word&window=1&samples=pairs" + more);
  };
  Dataset all = open(""), some = open("&subsample=0.05"), again = open("&subsample=0.05");
  EXPECT_EQ(all.training->count(), 2 * 398);
  std::map<int64_t, int> seen;
  for (int64_t i = 0; i < some.training->count(); ++i) {
    Sample sample = readSample(*some.training, i);
    EXPECT_EQ(sample[0].integers, readSample(*again.training, i)[0].integers);
    ++seen[sample[0].integers[0]];
  }
  // The square root of 0.05 / 0.95 stays of 380, and all of 20.
  EXPECT_NEAR(seen[1], 2 * 87, 2 * 25);
  EXPECT_EQ(seen[2], 2 * 19); // the first word has none before it
  // What noise is drawn by are the words of the whole text.
  EXPECT_EQ(some.training->getClassCounts(), (Tokens{0, 380, 20}));
}

TEST(Text, FaultsOfWordSamples) {
  Folder folder;
  std::string file = folder.write("a.txt", "a b a c a");
  EXPECT_THAT(openError(file + "?unit=word&window=1&samples=triples"),
              HasSubstr("no samples=triples; there are contexts, pairs and counts"));
  EXPECT_THAT(openError(file + "?unit=word&window=1&subsample=often"),
              HasSubstr("subsample=often must be a number that is not negative"));
  EXPECT_THAT(openError(file + "?unit=word&window=9&samples=counts"),
              HasSubstr("5 tokens, too few for a window of 9"));
  EXPECT_THAT(openError(file + "?unit=word&samples=pairs"),
              HasSubstr("there is no setting 'samples' here"));
}

TEST(Pairs, BeginAndEnd) {
  Folder folder;
  Dataset data = openDataset(folder.write("a.tsv", "ab\tba\nb\ta\n"));
  ASSERT_EQ(data.training->count(), 2);
  EXPECT_EQ(data.training->getColumns()[2].classes, 5);
  Sample sample = readSample(*data.training, 1);
  EXPECT_EQ(sample[0].integers, (Tokens{4, 0}));
  EXPECT_EQ(sample[1].integers, (Tokens{1, 3, 0}));
  EXPECT_EQ(sample[2].integers, (Tokens{3, 2, 0}));
  data = openDataset(folder / "a.tsv?shifted=no");
  ASSERT_EQ(data.training->getColumns().size(), 2u);
  EXPECT_EQ(readSample(*data.training, 1)[1].integers, (Tokens{3, 2, 0}));
  EXPECT_THAT(openError(folder.write("b.tsv", "a\tb\nab\n")),
              HasSubstr("b.tsv:2 must be two texts with one tab"));
  EXPECT_THAT(openError(folder.write("b.tsv", "\n")), HasSubstr("has no pairs"));
}

TEST(Open, SaysWhatItTakes) {
  Folder folder;
  EXPECT_THAT(openError(folder / "none"), HasSubstr("there is no such file or folder"));
  EXPECT_THAT(openError(folder.write("a.dat", "x")), HasSubstr("put it before, as in csv:"));
  EXPECT_EQ(openError("csv:" + folder.write("a.dat", "1,2\n")), "");
}
