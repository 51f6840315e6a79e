//===- PicturesTest.cpp - CIFAR-10, IDX and PNG ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Testing.h"
#include "runtime/training/data/Bytes.h"
#include <png.h>
#include <zlib.h>

using namespace sinter::training;
using testing::HasSubstr;

// A record of CIFAR-10 whose three planes are constant but for the first pixel.
static std::string cifarRecord(int label) {
  std::string record(1, static_cast<char>(label));
  for (int plane = 0; plane < 3; ++plane)
    record += std::string(1, static_cast<char>(100 + plane)) +
              std::string(1023, static_cast<char>(plane));
  return record;
}

TEST(Cifar10, ChannelsComeInnermost) {
  Folder folder;
  folder.write("data_batch_1.bin", cifarRecord(3) + cifarRecord(9));
  folder.write("data_batch_2.bin", cifarRecord(1));
  folder.write("test_batch.bin", cifarRecord(0));
  folder.write("batches.meta.txt", "airplane\nautomobile\n\n");
  Dataset data = openDataset(folder.path);
  ASSERT_EQ(data.training->count(), 3);
  ASSERT_EQ(data.validation->count(), 1);
  EXPECT_EQ(data.training->getClassNames()[1], "automobile");
  EXPECT_EQ(data.training->getColumns()[0].shape, (std::vector<int64_t>{32, 32, 3}));
  Sample sample = readSample(*data.training, 1);
  EXPECT_EQ(sample[1].integers[0], 9);
  EXPECT_EQ(std::vector<float>(sample[0].reals.begin(), sample[0].reals.begin() + 6),
            (std::vector<float>{100, 101, 102, 0, 1, 2}));
}

TEST(Cifar10, Faults) {
  Folder folder;
  std::string file = folder.write("x/data_batch_1.bin", cifarRecord(3) + cifarRecord(10));
  EXPECT_THAT(openError(folder / "x"),
              HasSubstr("data_batch_1.bin: record 1: label 10 is not between 0 and 9"));
  folder.write("x/data_batch_1.bin", (cifarRecord(3) + cifarRecord(1)).substr(0, 4000));
  EXPECT_THAT(openError(folder / "x"), HasSubstr("the record 1 ends after 927 of 3073 bytes"));
  folder.write("x/data_batch_1.bin", "");
  EXPECT_THAT(openError(folder / "x"), HasSubstr("data_batch_1.bin is empty"));
  EXPECT_THAT(openError("cifar10:" + folder.path), HasSubstr("has no data_batch_1.bin"));
  EXPECT_THAT(openError(folder / "none.bin"), HasSubstr("No such file"));
  EXPECT_THAT(openError(file + "?size=3"), HasSubstr("there is no setting 'size'"));
}

static std::string idx(std::vector<int> dims, const std::string &bytes) {
  std::string text = std::string("\0\0\x8", 3) + static_cast<char>(dims.size());
  for (int dim : dims)
    text += std::string(2, '\0') + static_cast<char>(dim >> 8) + static_cast<char>(dim);
  return text + bytes;
}

static void writePacked(const std::string &path, const std::string &bytes) {
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, bytes.data(), bytes.size());
  gzclose(file);
}

TEST(Idx, PlainAndPacked) {
  Folder folder;
  folder.write("train-images-idx3-ubyte", idx({2, 2, 3}, "abcdefghijkl"));
  writePacked(folder / "train-labels-idx1-ubyte.gz", idx({2}, std::string("\0\4", 2)));
  Dataset data = openDataset(folder.path);
  EXPECT_EQ(data.validation, nullptr);
  ASSERT_EQ(data.training->count(), 2);
  EXPECT_EQ(data.training->getColumns()[0].shape, (std::vector<int64_t>{2, 3, 1}));
  EXPECT_EQ(data.training->getColumns()[1].classes, 5);
  Sample sample = readSample(*data.training, 1);
  EXPECT_EQ(sample[0].reals[0], 'g');
  EXPECT_EQ(sample[1].integers[0], 4);
}

TEST(Idx, Faults) {
  Folder folder;
  folder.write("train-images-idx3-ubyte", idx({2, 2, 3}, "abcdefghijkl"));
  EXPECT_THAT(openError(folder.path), HasSubstr("no train-labels-idx1-ubyte"));
  folder.write("train-labels-idx1-ubyte", idx({3}, "abc"));
  EXPECT_THAT(openError(folder.path), HasSubstr("3 labels for the 2 images"));
  folder.write("train-images-idx3-ubyte", idx({2, 2, 3}, "abcdefghijk"));
  EXPECT_THAT(openError(folder.path), HasSubstr("11 elements, and its dims ask for 12"));
  folder.write("train-images-idx3-ubyte", idx({2}, "ab"));
  EXPECT_THAT(openError(folder.path), HasSubstr("is not an IDX file"));
  std::string packed = folder / "train-images-idx3-ubyte.gz";
  std::filesystem::remove(folder / "train-images-idx3-ubyte");
  writePacked(packed, idx({100, 10, 10}, std::string(10000, 'a')));
  std::filesystem::resize_file(packed, 20);
  EXPECT_THAT(openError(folder.path), HasSubstr("ends too early"));
  EXPECT_THAT(openError("idx:" + folder.path + "x"), HasSubstr("there is no such folder"));
}

// A picture whose pixel (y, x) has the red x, the green y and the blue 7.
static void writePng(const Folder &folder, const std::string &name, int height, int width) {
  folder.write(name, "");
  std::vector<uint8_t> bytes;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      bytes.insert(bytes.end(), {uint8_t(x), uint8_t(y), 7});
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  image.width = width;
  image.height = height;
  image.format = PNG_FORMAT_RGB;
  ASSERT_TRUE(
      png_image_write_to_file(&image, (folder / name).c_str(), 0, bytes.data(), 0, nullptr));
}

TEST(Png, AFolderAClass) {
  Folder folder;
  writePng(folder, "train/cat/1.png", 2, 3);
  writePng(folder, "train/dog/1.png", 2, 3);
  writePng(folder, "train/dog/2.png", 2, 3);
  writePng(folder, "test/dog/3.png", 2, 3);
  Dataset data = openDataset(folder.path);
  ASSERT_EQ(data.training->count(), 3);
  ASSERT_EQ(data.validation->count(), 1);
  EXPECT_EQ(data.training->getClassNames(), (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(readSample(*data.validation, 0)[1].integers[0], 1);
  Sample sample = readSample(*data.training, 2);
  EXPECT_EQ(sample[1].integers[0], 1);
  EXPECT_EQ(std::vector<float>(sample[0].reals.end() - 3, sample[0].reals.end()),
            (std::vector<float>{2, 1, 7}));
  EXPECT_EQ(openDataset(folder.path + "?channels=1").training->getColumns()[0].shape,
            (std::vector<int64_t>{2, 3, 1}));
}

TEST(Png, Faults) {
  Folder folder;
  writePng(folder, "a/1.png", 2, 3);
  writePng(folder, "b/2.png", 4, 3);
  EXPECT_THAT(openError(folder.path), HasSubstr("b/2.png is 3x4, and"));
  folder.write("b/2.png", "no picture");
  EXPECT_THAT(openError(folder.path), HasSubstr("b/2.png: Not a PNG file"));
  // A header of 500,000 × 500,000 pixels: nothing is allocated for it.
  writePng(folder, "b/2.png", 4, 3);
  std::string bytes = readBytes(folder / "b/2.png");
  for (size_t at : {16, 20})
    bytes.replace(at, 4, std::string("\0\7\xa1\x20", 4));
  uint32_t crc = crc32(0, reinterpret_cast<const Bytef *>(&bytes[12]), 17);
  for (int i = 0; i < 4; ++i)
    bytes[29 + i] = static_cast<char>(crc >> (24 - 8 * i));
  folder.write("b/2.png", bytes);
  EXPECT_THAT(openError(folder.path),
              HasSubstr("b/2.png says that it is 500000x500000, more than its bytes can hold"));
  EXPECT_THAT(openError(folder / "a"), HasSubstr("has no PNG pictures in folders"));
  EXPECT_THAT(openError(folder.path + "?channels=2"), HasSubstr("channels must be 1 or 3"));
  writePng(folder, "two/train/a/1.png", 2, 3);
  writePng(folder, "two/test/c/1.png", 2, 3);
  EXPECT_THAT(openError(folder / "two"), HasSubstr("has a class 'c' that"));
}
