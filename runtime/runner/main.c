/*===- main.c - runs a model's library where it was compiled for ----------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* runner LIBRARY REQUEST RESPONSE: loads the library, runs it once on the    *|
|* tensors of one file and writes the results to another. `sinter check`      *|
|* starts it under an emulator; compiler/driver/Emulator.cpp has the other    *|
|* end. Numbers are little-endian int64_t, texts and data their length first: *|
|*                                                                            *|
|*   REQUEST   threads, count, count × (code, bits, rank, dims, data)         *|
|*   RESPONSE  0, count, count × (name, code, bits, rank, dims, data)         *|
|*          or 1, what was wrong                                              *|
\*===----------------------------------------------------------------------===*/

#include "runtime/include/sinter/model.h"
#include "runtime/runner/libc.h"

static struct {
  char *bytes;
  int64_t size, at;
} request;

static FILE *response;

static void put(int64_t value) { fwrite(&value, sizeof value, 1, response); }

static void putBytes(const void *bytes, int64_t size) {
  put(size);
  fwrite(bytes, 1, (size_t)size, response);
}

/* Writes the reason; the exit status says only that the runner itself worked. */
static int fail(const char *what, const char *why) {
  char text[2048];
  snprintf(text, sizeof text, "%s%s", what, why);
  put(1);
  putBytes(text, (int64_t)strlen(text));
  return fclose(response);
}

static int64_t get(void) {
  int64_t value = 0;
  if (request.at + 8 <= request.size)
    memcpy(&value, request.bytes + request.at, sizeof value);
  request.at += 8;
  return value;
}

static int64_t bytesOf(const DLTensor *tensor) {
  int64_t count = (tensor->dtype.bits + 7) / 8;
  for (int32_t d = 0; d < tensor->ndim; ++d)
    count *= tensor->shape[d];
  return count;
}

/* All data begin at a multiple of 8 bytes in the file. */
static int getTensor(DLTensor *tensor) {
  memset(tensor, 0, sizeof *tensor);
  tensor->device.device_type = kDLCPU;
  tensor->dtype.code = (uint8_t)get();
  tensor->dtype.bits = (uint8_t)get();
  tensor->dtype.lanes = 1;
  tensor->ndim = (int32_t)get();
  tensor->shape = (int64_t *)(request.bytes + request.at);
  request.at += 8 * tensor->ndim;
  int64_t bytes = get();
  tensor->data = request.bytes + request.at;
  request.at += (bytes + 7) / 8 * 8;
  return request.at <= request.size;
}

static int readRequest(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file)
    return 0;
  fseek(file, 0, SEEK_END);
  request.size = ftell(file);
  fseek(file, 0, SEEK_SET);
  request.bytes = malloc((size_t)request.size + 8);
  int good =
      request.bytes && fread(request.bytes, 1, (size_t)request.size, file) == (size_t)request.size;
  fclose(file);
  return good;
}

static void putTensor(const char *name, const DLTensor *tensor) {
  putBytes(name, (int64_t)strlen(name));
  put(tensor->dtype.code);
  put(tensor->dtype.bits);
  put(tensor->ndim);
  for (int32_t d = 0; d < tensor->ndim; ++d)
    put(tensor->shape[d]);
  putBytes((const char *)tensor->data + tensor->byte_offset, bytesOf(tensor));
}

int main(int argc, char **argv) {
  if (argc != 4 || !(response = fopen(argv[3], "wb")))
    return 2;
  if (!readRequest(argv[2]))
    return fail("can't read ", argv[2]);
  void *library = dlopen(argv[1], RTLD_NOW);
  if (!library)
    return fail("can't load ", dlerror());
  SinterModelFunction function = (SinterModelFunction)dlsym(library, "sinter_model");
  if (!function)
    return fail(argv[1], " has no sinter_model");
  const SinterModel *model = function();
  if (model->abi_version != SINTER_ABI_VERSION)
    return fail(argv[1], " was compiled for another version of Sinter's interface");

  SinterContextOptions options;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.threads = (int32_t)get();
  char words[512];
  options.error = words;
  options.error_bytes = sizeof words;
  SinterContext *context;
  SinterStatus status = model->context_create(model, &options, &context);
  if (status)
    return fail(words, "");
  int64_t count = get();
  DLTensor *inputs = malloc((size_t)(count + 1) * sizeof *inputs);
  DLTensor *outputs = calloc((size_t)model->output_count + 1, sizeof *outputs);
  if (!inputs || !outputs)
    return fail("out of memory", "");
  for (int64_t i = 0; i < count; ++i)
    if (!getTensor(&inputs[i]))
      return fail(argv[2], " is damaged");
  for (int32_t i = 0; i < model->output_count; ++i) {
    outputs[i].device.device_type = kDLCPU;
    outputs[i].dtype = model->outputs[i].dtype;
  }
  status = model->run(context, inputs, (int32_t)count, outputs, model->output_count);
  if (status)
    return fail(model->last_error(context), "");
  put(0);
  put(model->output_count);
  for (int32_t i = 0; i < model->output_count; ++i)
    putTensor(model->outputs[i].name, &outputs[i]);
  return fclose(response);
}
