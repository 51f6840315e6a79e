/*===- main.c - reads the line of text in a picture -------------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                      *|
|*                                                                              *|
|* A program that uses a compiled model as any C program would: it opens the    *|
|* library, asks it what it takes, and runs it. Nothing of Sinter is linked.    *|
|*                                                                              *|
|*   cc main.c -I ../../runtime/include -lpng -ldl -lm -o read-text             *|
|*   ./read-text ocr.so line.png characters.txt                                 *|
\*===------------------------------------------------------------------------===*/

#define _POSIX_C_SOURCE 200809L
#include "sinter/model.h"

#include <dlfcn.h>
#include <math.h>
#include <png.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
  LINE_HEIGHT = 48,    /* what the network was trained on */
  SMALLEST_WIDTH = 16, /* the network halves the width three times */
  LARGEST_WIDTH = 4096,
  CHANNELS = 3,
  TIMED_RUNS = 20
};

/* A picture: height x width x 3 bytes, blue, green, red. */
typedef struct {
  int height, width;
  uint8_t *pixels;
} Picture;

/* The alphabet: class 0 is "no character", 1 to count the lines of a file, count + 1 a space. */
typedef struct {
  char *text;
  const char **characters;
  int count;
} Alphabet;

static int fail(const char *what, const char *why) {
  fprintf(stderr, "read-text: %s: %s\n", what, why);
  return 1;
}

static void *allocate(size_t bytes) {
  void *memory = malloc(bytes ? bytes : 1);
  if (!memory)
    exit(fail("memory", "there is no more"));
  return memory;
}

static double milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

/*===- Input ----------------------------------------------------------------===*/

/* Reads any PNG: grey, colour or palette, 8 or 16 bits; what is transparent becomes white. */
static int readPicture(const char *path, Picture *picture) {
  png_image image;
  memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  if (!png_image_begin_read_from_file(&image, path))
    return fail(path, image.message);
  image.format = PNG_FORMAT_BGR;
  picture->height = (int)image.height;
  picture->width = (int)image.width;
  picture->pixels = allocate(PNG_IMAGE_SIZE(image));
  png_color white = {255, 255, 255};
  if (!png_image_finish_read(&image, &white, picture->pixels, 0, NULL)) {
    free(picture->pixels);
    return fail(path, image.message);
  }
  return 0;
}

/* One pass of a bilinear resize, along one axis: `lines` rows of `from` samples, `step` apart,
   become rows of `to` samples. Reducing widens the filter, so that every pixel counts. */
static void resizeAxis(const float *in, float *out, int lines, int inLine, int outLine, int from,
                       int to, int step) {
  double scale = (double)from / to, reach = scale > 1 ? scale : 1;
  for (int o = 0; o < to; ++o) {
    double centre = (o + 0.5) * scale - 0.5;
    int first = (int)ceil(centre - reach), last = (int)floor(centre + reach);
    double total = 0;
    for (int i = first; i <= last; ++i)
      total += fmax(0, 1 - fabs(i - centre) / reach);
    for (int line = 0; line < lines; ++line) {
      for (int lane = 0; lane < step; ++lane) {
        double sum = 0;
        for (int i = first; i <= last; ++i) {
          int clamped = i < 0 ? 0 : i >= from ? from - 1 : i; /* the border repeats */
          sum += fmax(0, 1 - fabs(i - centre) / reach) *
                 in[(size_t)line * inLine + (size_t)clamped * step + lane];
        }
        out[(size_t)line * outLine + (size_t)o * step + lane] = (float)(sum / total);
      }
    }
  }
}

/* The network's input: 1 x 3 x 48 x width, values from -1 to 1. */
static float *toInput(const Picture *picture, int *width) {
  double ideal = (double)picture->width * LINE_HEIGHT / picture->height;
  *width = ideal < SMALLEST_WIDTH  ? SMALLEST_WIDTH
           : ideal > LARGEST_WIDTH ? LARGEST_WIDTH
                                   : (int)lround(ideal);

  int inRow = picture->width * CHANNELS, outRow = *width * CHANNELS;
  size_t count = (size_t)picture->height * inRow;
  float *pixels = allocate(count * sizeof(float));
  for (size_t i = 0; i < count; ++i)
    pixels[i] = picture->pixels[i];
  float *narrow = allocate((size_t)picture->height * outRow * sizeof(float));
  resizeAxis(pixels, narrow, picture->height, inRow, outRow, picture->width, *width, CHANNELS);
  float *line = allocate((size_t)LINE_HEIGHT * outRow * sizeof(float));
  resizeAxis(narrow, line, 1, 0, 0, picture->height, LINE_HEIGHT, outRow);

  size_t plane = (size_t)LINE_HEIGHT * *width;
  float *input = allocate(CHANNELS * plane * sizeof(float));
  for (size_t p = 0; p < plane; ++p)
    for (int c = 0; c < CHANNELS; ++c)
      input[c * plane + p] = (line[p * CHANNELS + c] / 255.0f - 0.5f) / 0.5f;
  free(line);
  free(narrow);
  free(pixels);
  return input;
}

static int readAlphabet(const char *path, Alphabet *alphabet) {
  FILE *file = fopen(path, "rb");
  if (!file)
    return fail(path, "cannot be opened");
  long length = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
  if (length < 0 || fseek(file, 0, SEEK_SET) != 0) {
    fclose(file);
    return fail(path, "cannot be read");
  }
  alphabet->text = allocate((size_t)length + 1);
  size_t size = fread(alphabet->text, 1, (size_t)length, file);
  alphabet->text[size] = 0;
  fclose(file);

  alphabet->characters = allocate((size + 1) * sizeof(char *));
  alphabet->count = 0;
  for (char *at = alphabet->text; *at;) {
    alphabet->characters[alphabet->count++] = at;
    at += strcspn(at, "\n");
    if (*at)
      *at++ = 0;
  }
  return 0;
}

/*===- Output ---------------------------------------------------------------===*/

/* Greedy CTC: the likeliest class of each column; repetitions and blanks drop out.
   `scores`: 1 x columns x classes. */
static void printText(const float *scores, int64_t columns, int64_t classes,
                      const Alphabet *alphabet) {
  int64_t before = 0;
  for (int64_t column = 0; column < columns; ++column) {
    const float *row = scores + column * classes;
    int64_t best = 0;
    for (int64_t i = 1; i < classes; ++i)
      if (row[i] > row[best])
        best = i;
    if (best != 0 && best != before)
      fputs(best <= alphabet->count ? alphabet->characters[best - 1] : " ", stdout);
    before = best;
  }
  putchar('\n');
}

static int ascending(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

/* Runs the model on `input` (1 x 3 x 48 x width), prints the text, then the time of further runs.
 */
static int readText(const SinterModel *model, float *input, int width, const Alphabet *alphabet) {
  SinterContext *context = NULL;
  SinterStatus status = model->context_create(model, NULL, &context);
  if (status != SINTER_OK)
    return fail("context", model->status_text(status));

  int64_t shape[] = {1, CHANNELS, LINE_HEIGHT, width};
  DLTensor in = {input, {kDLCPU, 0}, 4, {kDLFloat, 32, 1}, shape, NULL, 0};
  DLTensor out;
  double times[TIMED_RUNS];
  for (int run = -1; run < TIMED_RUNS && status == SINTER_OK; ++run) {
    memset(&out, 0, sizeof out); /* no memory of ours: the model fills in where its result lies */
    double start = milliseconds();
    status = model->run(context, &in, 1, &out, 1);
    if (run >= 0) /* the first run allocates and starts threads: it is not timed */
      times[run] = milliseconds() - start;
  }

  int result = 0;
  if (status != SINTER_OK) {
    result = fail("run", model->last_error(context));
  } else if (out.ndim != 3 || out.shape[2] != alphabet->count + 2) {
    result = fail("model", "its output is not a text recogniser's with this alphabet");
  } else {
    printText((const float *)((const char *)out.data + out.byte_offset), out.shape[1], out.shape[2],
              alphabet);
    qsort(times, TIMED_RUNS, sizeof *times, ascending);
    printf("  %d x %d pixels in %.2f ms (median of %d runs; fastest %.2f ms), compiled for %s\n",
           width, LINE_HEIGHT, times[TIMED_RUNS / 2], TIMED_RUNS, times[0], model->target);
  }
  model->context_destroy(context);
  return result;
}

int main(int count, char **arguments) {
  if (count != 4) {
    fprintf(stderr, "usage: read-text MODEL.so PICTURE.png CHARACTERS.txt\n");
    return 2;
  }
  /* dlopen looks for a name without a slash on the system's path: say that the file is here. */
  char path[4096];
  snprintf(path, sizeof path, "%s%s", strchr(arguments[1], '/') ? "" : "./", arguments[1]);
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return fail(arguments[1], dlerror());
  SinterModelFunction entry = (SinterModelFunction)dlsym(library, "sinter_model");
  if (!entry)
    return fail(arguments[1], "is not a model that Sinter compiled");
  const SinterModel *model = entry();
  if (model->abi_version != SINTER_ABI_VERSION)
    return fail(arguments[1], "was compiled for another version of sinter/model.h");

  Picture picture;
  Alphabet alphabet;
  if (readPicture(arguments[2], &picture) || readAlphabet(arguments[3], &alphabet))
    return 1;
  int width;
  float *input = toInput(&picture, &width);
  int result = readText(model, input, width, &alphabet);
  free(input);
  free(alphabet.characters);
  free(alphabet.text);
  free(picture.pixels);
  dlclose(library);
  return result;
}
