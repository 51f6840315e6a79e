//===- NumpyTest.cpp - .npy and .npz --------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Testing.h"
#include <cstring>
#include <zlib.h>

using namespace sinter::training;
using testing::HasSubstr;

template <typename T>
static std::string npy(const std::string &descr, const std::string &shape, std::vector<T> values) {
  std::string header =
      "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (" + shape + "), }\n";
  std::string bytes =
      std::string("\x93NUMPY\1\0", 8) + static_cast<char>(header.size()) + '\0' + header;
  return bytes.append(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T));
}

static std::string number(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i)
    text += static_cast<char>(value >> 8 * i);
  return text;
}

// A zip archive of files that are stored, or deflated.
static std::string zip(const std::vector<std::pair<std::string, std::string>> &files,
                       bool deflated) {
  std::string archive, directory;
  for (auto &[name, content] : files) {
    std::string packed = content;
    if (deflated) {
      z_stream stream = {};
      deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
      packed.resize(deflateBound(&stream, content.size()));
      stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(content.data()));
      stream.avail_in = content.size();
      stream.next_out = reinterpret_cast<Bytef *>(packed.data());
      stream.avail_out = packed.size();
      deflate(&stream, Z_FINISH);
      packed.resize(stream.total_out);
      deflateEnd(&stream);
    }
    uint64_t crc = crc32(0, reinterpret_cast<const Bytef *>(content.data()), content.size());
    std::string common = number(20, 2) + number(0, 2) + number(deflated ? 8 : 0, 2) + number(0, 4) +
                         number(crc, 4) + number(packed.size(), 4) + number(content.size(), 4) +
                         number(name.size(), 2) + number(0, 2);
    directory +=
        "PK\1\2" + number(20, 2) + common + number(0, 10) + number(archive.size(), 4) + name;
    archive += "PK\3\4" + common + name + packed;
  }
  return archive + directory + "PK\5\6" + number(0, 4) + number(files.size(), 2) +
         number(files.size(), 2) + number(directory.size(), 4) + number(archive.size(), 4) +
         number(0, 2);
}

TEST(Numpy, Archives) {
  Folder folder;
  std::vector<std::pair<std::string, std::string>> files = {
      {"x.npy", npy<double>("<f8", "3, 2", {1, 2, 3, 4, 5, 6})},
      {"y.npy", npy<int32_t>("<i4", "3,", {0, 2, 1})}};
  for (bool deflated : {false, true}) {
    Dataset data = openDataset(folder.write("a.npz", zip(files, deflated)));
    ASSERT_EQ(data.training->count(), 3);
    EXPECT_FALSE(data.training->getColumns()[0].isInteger);
    EXPECT_TRUE(data.training->getColumns()[1].isTarget);
    Sample sample = readSample(*data.training, 1);
    EXPECT_EQ(sample[0].reals, (std::vector<float>{3, 4}));
    EXPECT_EQ(sample[1].integers, (std::vector<int64_t>{2}));
  }
}

TEST(Numpy, FoldersAndPictures) {
  Folder folder;
  folder.write("pictures.npy", npy<uint8_t>("|u1", "2, 1, 2, 1", {1, 2, 3, 200}));
  folder.write("label.npy", npy<int8_t>("|i1", "2,", {-1, 4}));
  Dataset data = openDataset(folder.path + "?target=label");
  EXPECT_TRUE(data.training->getColumns()[1].isImage);
  Sample sample = readSample(*data.training, 1);
  EXPECT_EQ(sample[0].integers, (std::vector<int64_t>{4}));
  EXPECT_EQ(sample[1].reals, (std::vector<float>{3, 200}));
}

TEST(Numpy, Faults) {
  Folder folder;
  std::string x = npy<float>("<f4", "2, 1", {1, 2}), y = npy<float>("<f4", "3,", {1, 2, 3});
  auto error = [&](const std::string &first, const std::string &second) {
    folder.write("x.npy", first);
    folder.write("y.npy", second);
    return openError(folder.path);
  };
  EXPECT_THAT(error(x, y), HasSubstr("y.npy has 3 samples, and"));
  EXPECT_THAT(error(x.substr(0, x.size() - 1), y), HasSubstr("its shape asks for 8 bytes, and 7"));
  EXPECT_THAT(error("nothing at all", y), HasSubstr("is not a .npy file"));
  EXPECT_THAT(error(npy<float>("<c8", "1,", {1, 2}), y), HasSubstr("element type '<c8' is not"));
  EXPECT_THAT(error(npy<float>("<f4", "", {1}), y), HasSubstr("is a single number"));
  std::string shapeless = x;
  shapeless[shapeless.find("shape")] = 'S';
  EXPECT_THAT(error(shapeless, y), HasSubstr("its header has no shape"));
  EXPECT_THAT(error(std::string("\x93NUMPY\2\0\1\1", 10), y), HasSubstr("is truncated"));
  EXPECT_THAT(error(npy<float>("<f4", "0,", {}), npy<float>("<f4", "0,", {})),
              HasSubstr("no samples"));
  EXPECT_THAT(openError(folder.path + "?target=z"), HasSubstr("no samples"));
  folder.write("y.npy", y);
  folder.write("x.npy", y);
  EXPECT_THAT(openError(folder.path + "?target=z"), HasSubstr("no array 'z' among x, y"));
  std::string archive = zip({{"y.npy", y}}, true);
  EXPECT_THAT(openError(folder.write("a.npz", archive.substr(0, archive.size() - 30))),
              HasSubstr("its directory is missing"));
  // A directory that promises 16 TB, and one whose files are all the same bytes.
  std::string bomb = zip({{"y.npy", std::string(1000, '\0')}}, true);
  bomb.replace(bomb.rfind("PK\1\2") + 24, 4, std::string(4, '\xfe'));
  EXPECT_THAT(openError(folder.write("a.npz", bomb)),
              HasSubstr("a file is larger than its bytes can hold"));
  std::string twice = zip({{"x.npy", y}, {"y.npy", y}}, false);
  size_t second = twice.rfind("PK\1\2");
  twice.replace(second + 42, 4, number(0, 4));
  twice.replace(second + 20, 4, number(static_cast<uint32_t>(twice.size()) - 40, 4));
  EXPECT_THAT(openError(folder.write("a.npz", twice)), HasSubstr("larger than its bytes"));
  archive[50] ^= 1;
  EXPECT_THAT(openError(folder.write("a.npz", archive)), HasSubstr("save it again"));
  EXPECT_THAT(openError(folder.write("b.npz", zip({{"readme", "x"}}, false))),
              HasSubstr("has no .npy array"));
}
