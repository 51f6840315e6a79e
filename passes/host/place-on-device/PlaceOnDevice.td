//===- PlaceOnDevice.td ---------------------------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SINTER_PASSES_HOST_PLACEONDEVICE_TD
#define SINTER_PASSES_HOST_PLACEONDEVICE_TD

include "mlir/Pass/PassBase.td"

def PlaceOnDevice : Pass<"place-on-device", "::mlir::ModuleOp"> {
  let summary = "puts transfers between the host program and the kernels of a device";
  let description = [{
    A buffer that some kernel of the device (`kernel.device`) reads or writes has its home there; all others have it in
    the host's memory. Before the host reads a buffer whose home is the device, `kernel.runtime_call "to_host"` fetches
    it, unless nothing has been written to it since the last time; after the host has written one, `"to_device"` brings
    it back. At the beginning of a function stands for each input `"input_to_device"` or, if the device doesn't read it,
    `"input_to_host"`, at its end `"result_to_host"` for each result whose home is the device; their parameter is its
    number. The runtime knows where the caller has it, or the state of a training, and copies only what is not there
    already. A copy
    between two buffers of the device is `"device_copy"`, one of a part that is not contiguous a `memref.copy` with the
    attribute `kernel.device`. Constants are on both sides from the start.

    A remark counts the calls of kernels on either side, the transfers, and the copies on the device. A module without
    kernels of a device is left as it is, unless the option says that it is for one all the same.
  }];
  let options = [Option<"device", "device", "bool", /*default=*/"false",
                        "the target has a device, where callers may have their tensors">];
  let dependentDialects = ["::sinter::kernel::KernelDialect"];
}

#endif
