//===- Png.cpp - folders of PNG pictures ----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/training/Error.h"
#include "runtime/training/data/Bytes.h"
#include "runtime/training/data/Formats.h"
#include "runtime/training/data/Pictures.h"
#include <algorithm>
#include <filesystem>
#include <png.h>

using namespace sinter::training;

namespace {
struct Picture {
  int64_t height = 0, width = 0;
  std::vector<uint8_t> bytes; ///< [height, width, channels]
};
} // namespace

static bool isPng(const std::string &name) {
  return name.size() > 4 && (name.compare(name.size() - 4, 4, ".png") == 0 ||
                             name.compare(name.size() - 4, 4, ".PNG") == 0);
}

static Picture readPng(const std::string &path, int64_t channels) {
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  auto fail = [&] {
    std::string why = image.message;
    png_image_free(&image);
    throw Error("can't read " + path + ": " + why + "; repair the picture or take it out");
  };
  if (!png_image_begin_read_from_file(&image, path.c_str()))
    fail();
  // Before anything is allocated: a row has at least one bit a pixel, and a byte for its filter.
  std::error_code ignored;
  uint64_t least = image.height * (uint64_t(image.width) / 8 + 1);
  if (least > mostInflated(std::filesystem::file_size(path, ignored))) {
    png_image_free(&image);
    throw Error(path + " says that it is " + std::to_string(image.width) + "x" +
                std::to_string(image.height) +
                ", more than its bytes can hold; repair the picture or take it out");
  }
  image.format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  Picture picture;
  picture.height = image.height;
  picture.width = image.width;
  picture.bytes.resize(PNG_IMAGE_SIZE(image));
  // What is transparent is black.
  png_color black = {0, 0, 0};
  if (!png_image_finish_read(&image, &black, picture.bytes.data(), 0, nullptr))
    fail();
  return picture;
}

// The folders of a set; each is a class.
static std::vector<std::string> listClasses(const std::string &path) {
  std::vector<std::string> classes;
  for (const std::string &name : listFolder(path))
    if (isFolder(path + "/" + name))
      classes.push_back(name);
  return classes;
}

static std::unique_ptr<Source> openSet(const std::string &path, int64_t channels,
                                       const std::vector<std::string> &classes) {
  std::unique_ptr<Pictures> pictures;
  Picture first;
  std::string firstPath;
  for (size_t label = 0; label < classes.size(); ++label) {
    std::string folder = path + "/" + classes[label];
    for (const std::string &name :
         isFolder(folder) ? listFolder(folder) : std::vector<std::string>()) {
      if (!isPng(name))
        continue;
      std::string file = folder + "/" + name;
      Picture picture = readPng(file, channels);
      if (!pictures) {
        pictures = std::make_unique<Pictures>(picture.height, picture.width, channels,
                                              classes.size(), classes);
        first.height = picture.height;
        first.width = picture.width;
        firstPath = file;
      }
      if (picture.height != first.height || picture.width != first.width)
        throw Error(file + " is " + std::to_string(picture.width) + "x" +
                    std::to_string(picture.height) + ", and " + firstPath + " is " +
                    std::to_string(first.width) + "x" + std::to_string(first.height) +
                    "; all pictures must have one size");
      pictures->add(picture.bytes.data(), label, file, -1);
    }
  }
  if (!pictures)
    throw Error(path + " has no PNG pictures in folders; it needs a folder for each class");
  return pictures;
}

Dataset sinter::training::openPng(const std::string &path, Settings &settings) {
  int64_t channels = settings.integer("channels", 3);
  settings.finish();
  if (channels != 1 && channels != 3)
    throw UsageError("--data " + path + ": channels must be 1 or 3");
  Dataset data;
  if (!isFolder(path + "/train")) {
    data.training = openSet(path, channels, listClasses(path));
    return data;
  }
  std::vector<std::string> classes = listClasses(path + "/train");
  data.training = openSet(path + "/train", channels, classes);
  for (const char *name : {"/validation", "/val", "/test"}) {
    if (!isFolder(path + name))
      continue;
    // A class that training does not know has no number.
    for (const std::string &each : listClasses(path + name))
      if (std::find(classes.begin(), classes.end(), each) == classes.end())
        throw Error(path + name + " has a class '" + each + "' that " + path +
                    "/train has not; both need the same folders");
    data.validation = openSet(path + name, channels, classes);
    break;
  }
  return data;
}
