/*===- programs.c - device code of kernels, and what is made of it --------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* A program is built once in a process for each device; its entry points are *|
|* a context's own, as OpenCL keeps the arguments in them.                    *|
\*===----------------------------------------------------------------------===*/

#include "runtime/device/device.h"

static Program *programs; /* of all kernels that have run */

/* With the lock held. */
static Program *programOf(_Atomic(Program *) *state, const char *source, size_t bytes) {
  Program *program = atomic_load(state);
  if (program)
    return program;
  program = (Program *)sinterDefaultAllocate(NULL, sizeof(Program), 64);
  if (!program)
    return NULL;
  memset(program, 0, sizeof *program);
  program->source = source;
  program->bytes = bytes;
  program->state = state;
  program->next = programs;
  programs = program;
  atomic_store(state, program);
  return program;
}

bool sinterProgramBuild(SinterDevice *device, _Atomic(Program *) *state, const char *source,
                        size_t bytes) {
  Program *program = atomic_load(state);
  if (program && atomic_load(&program->built[device->number]))
    return true;
  sinterLock();
  program = programOf(state, source, bytes);
  bool good = program && atomic_load(&program->built[device->number]);
  if (program && !good) {
    void *built = device->shared->driver->build(device->shared, program, &device->message);
    atomic_store(&program->built[device->number], built);
    good = built != NULL;
  } else if (!program) {
    snprintf(device->message.text, sizeof device->message.text, "out of memory");
  }
  sinterUnlock();
  return good;
}

/* With the lock held, when the last context of the device ends. */
void sinterProgramsRelease(Shared *one, int32_t number) {
  for (Program **at = &programs; *at;) {
    Program *program = *at;
    void *built = atomic_exchange(&program->built[number], NULL);
    if (built)
      one->driver->unbuild(one, built);
    bool used = false;
    for (int32_t i = 0; i < maxShared; ++i)
      used |= atomic_load(&program->built[i]) != NULL;
    if (used) {
      at = &program->next;
      continue;
    }
    atomic_store(program->state, NULL);
    *at = program->next;
    free(program);
  }
}

/*===- Entry points ---------------------------------------------------------===*/

static Kernel *place(Kernel *table, size_t room, const Program *program, const char *name) {
  size_t at = ((uintptr_t)program >> 4) * 31 + (uintptr_t)name;
  for (;; ++at) {
    Kernel *kernel = &table[at & (room - 1)];
    if (!kernel->program || (kernel->program == program && kernel->name == name))
      return kernel;
  }
}

static bool grow(SinterContext *context) {
  SinterDevice *device = context->device;
  size_t room = device->kernelRoom ? 2 * device->kernelRoom : 64;
  Kernel *table = (Kernel *)sinterAllocate(context, room * sizeof(Kernel), 64);
  if (!table) {
    snprintf(device->message.text, sizeof device->message.text, "out of memory");
    return false;
  }
  memset(table, 0, room * sizeof(Kernel));
  for (size_t i = 0; i < device->kernelRoom; ++i)
    if (device->kernels[i].program)
      *place(table, room, device->kernels[i].program, device->kernels[i].name) = device->kernels[i];
  sinterDeallocate(context, device->kernels, device->kernelRoom * sizeof(Kernel));
  device->kernels = table;
  device->kernelRoom = room;
  return true;
}

Kernel *sinterKernelFind(SinterContext *context, const Program *program, const char *name) {
  SinterDevice *device = context->device;
  if (2 * device->kernelCount >= device->kernelRoom && !grow(context))
    return NULL;
  Kernel *kernel = place(device->kernels, device->kernelRoom, program, name);
  if (kernel->program)
    return kernel;
  kernel->name = name;
  if (!device->shared->driver->prepare(device, kernel,
                                       atomic_load(&((Program *)program)->built[device->number])))
    return NULL;
  kernel->program = program;
  ++device->kernelCount;
  return kernel;
}

void sinterKernelsFree(SinterContext *context) {
  SinterDevice *device = context->device;
  for (size_t i = 0; i < device->kernelRoom; ++i)
    if (device->kernels[i].program)
      device->shared->driver->unprepare(device, &device->kernels[i]);
  sinterDeallocate(context, device->kernels, device->kernelRoom * sizeof(Kernel));
}
