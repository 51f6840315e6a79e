//===- kernels.h - for kernels whose sizes or loops depend on data --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Freestanding C++17: no exceptions, no RTTI, nothing of libstdc++, no headers
// of libc. Each kernel is compiled to bitcode and linked into the models that
// call it.
//
//   SINTER_KERNEL(reverse) { ... return SINTER_OK; }
//
// defines what `kernel.runtime_call "reverse"` calls, with the parameters
// `context, arrays, inputs, outputs, params, paramCount`: first the inputs'
// arrays, then the outputs', all dense and row-major.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_RUNTIME_KERNELS_KERNELS_H
#define SINTER_RUNTIME_KERNELS_KERNELS_H

#include "runtime/include/sinter/model.h"

#include <stddef.h>
#include <stdint.h>

/// Element types, by ONNX's numbers.
enum SinterType : int32_t {
  SINTER_F32 = 1,
  SINTER_U8 = 2,
  SINTER_I8 = 3,
  SINTER_U16 = 4,
  SINTER_I16 = 5,
  SINTER_I32 = 6,
  SINTER_I64 = 7,
  SINTER_BOOL = 9,
  SINTER_F16 = 10,
  SINTER_F64 = 11,
  SINTER_U32 = 12,
  SINTER_U64 = 13,
  SINTER_BF16 = 16,
};

typedef struct {
  void *data;
  int32_t dtype; // SinterType
  int32_t rank;
  const int64_t *dims;
} SinterArray;

extern "C" {
#pragma GCC visibility push(hidden)
/// Ends the run with `status`; does not return.
[[noreturn]] void sinter_rt_fail(SinterContext *context, int32_t status, const char *message);
/// Scratch memory of the calling thread, 128-byte aligned, to be freed in the
/// reverse order. Never null.
void *sinter_rt_scratch_alloc(SinterContext *context, int64_t bytes);
void sinter_rt_scratch_free(SinterContext *context, void *memory);
/// Begins to replace numbers by their means over the processes of the training, if there are
/// several; and waits for that.
void sinter_rt_all_reduce_begin(SinterContext *context, void *numbers, int64_t count,
                                bool isFloat32);
void sinter_rt_all_reduce_end(SinterContext *context, void *numbers);
/// Runs body(context of the thread, i, closure) for i in [0, count) on the
/// context's threads.
void sinter_rt_parallel_for(SinterContext *context,
                            void (*body)(SinterContext *context, int64_t index, void *closure),
                            void *closure, int64_t count);
#pragma GCC visibility pop

#pragma GCC visibility push(default)
void *memcpy(void *__restrict to, const void *__restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
int snprintf(char *to, size_t n, const char *format, ...);
#pragma GCC visibility pop
}

#define SINTER_KERNEL(NAME)                                                                        \
  extern "C" __attribute__((visibility("hidden"))) int32_t sinter_k_##NAME(                        \
      [[maybe_unused]] SinterContext *context, [[maybe_unused]] const SinterArray *arrays,         \
      [[maybe_unused]] int32_t inputs, [[maybe_unused]] int32_t outputs,                           \
      [[maybe_unused]] const int64_t *params, [[maybe_unused]] int32_t paramCount)

namespace sinter {
namespace rt {

inline int64_t elementCount(const SinterArray &array) {
  int64_t count = 1;
  for (int32_t i = 0; i < array.rank; ++i)
    count *= array.dims[i];
  return count;
}

inline int64_t elementBytes(int32_t dtype) {
  switch (dtype) {
  case SINTER_U8:
  case SINTER_I8:
  case SINTER_BOOL:
    return 1;
  case SINTER_U16:
  case SINTER_I16:
  case SINTER_F16:
  case SINTER_BF16:
    return 2;
  case SINTER_I64:
  case SINTER_U64:
  case SINTER_F64:
    return 8;
  default:
    return 4;
  }
}

template <typename T>
inline T *data(const SinterArray &array) {
  return static_cast<T *>(array.data);
}

/// Names a type for `dispatch`.
template <typename T>
struct Type {
  using type = T;
};

/// Calls f(Type<T>()) for the C++ type T of `dtype`; bool is `bool`, float16
/// `_Float16`, bfloat16 `__bf16`. False if there is no such type.
template <typename F>
inline bool dispatch(int32_t dtype, F &&f) {
  switch (dtype) {
  case SINTER_F32:
    return f(Type<float>()), true;
  case SINTER_F64:
    return f(Type<double>()), true;
  case SINTER_F16:
    return f(Type<_Float16>()), true;
  case SINTER_BF16:
    return f(Type<__bf16>()), true;
  case SINTER_I8:
    return f(Type<int8_t>()), true;
  case SINTER_I16:
    return f(Type<int16_t>()), true;
  case SINTER_I32:
    return f(Type<int32_t>()), true;
  case SINTER_I64:
    return f(Type<int64_t>()), true;
  case SINTER_U8:
    return f(Type<uint8_t>()), true;
  case SINTER_U16:
    return f(Type<uint16_t>()), true;
  case SINTER_U32:
    return f(Type<uint32_t>()), true;
  case SINTER_U64:
    return f(Type<uint64_t>()), true;
  case SINTER_BOOL:
    return f(Type<bool>()), true;
  }
  return false;
}

/// The same for kernels that only move elements: an unsigned integer of the
/// element's size stands for each type, so that there are four instances.
template <typename F>
inline void dispatchBySize(int32_t dtype, F &&f) {
  switch (elementBytes(dtype)) {
  case 1:
    return f(Type<uint8_t>());
  case 2:
    return f(Type<uint16_t>());
  case 4:
    return f(Type<uint32_t>());
  default:
    return f(Type<uint64_t>());
  }
}

/// Runs f(context of the thread, i) for i in [0, count) on the threads.
template <typename F>
inline void parallelFor(SinterContext *context, int64_t count, F &&f) {
  sinter_rt_parallel_for(
      context,
      [](SinterContext *thread, int64_t index, void *closure) {
        (*static_cast<F *>(closure))(thread, index);
      },
      const_cast<void *>(static_cast<const void *>(&f)), count);
}

/// Scratch memory for the time of a scope.
template <typename T>
class Scratch {
public:
  Scratch(SinterContext *context, int64_t count)
      : context(context),
        memory(static_cast<T *>(sinter_rt_scratch_alloc(context, count * (int64_t)sizeof(T)))) {}
  ~Scratch() { sinter_rt_scratch_free(context, memory); }
  Scratch(const Scratch &) = delete;
  Scratch &operator=(const Scratch &) = delete;
  operator T *() const { return memory; }

private:
  SinterContext *context;
  T *memory;
};

} // namespace rt
} // namespace sinter

#endif // SINTER_RUNTIME_KERNELS_KERNELS_H
