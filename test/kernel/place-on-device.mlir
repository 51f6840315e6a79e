// Transfers between the host program and the kernels of a device.
// RUN: sinter-opt %s --place-on-device --split-input-file | FileCheck %s
// RUN: sinter-opt %s --place-on-device --split-input-file 2>&1 >/dev/null | FileCheck %s --check-prefix=COUNT
// RUN: sinter-opt %s --place-on-device --plan-memory --lower-calls --split-input-file | FileCheck %s --check-prefix=COPY
// RUN: sinter-opt %s --place-on-device=device --split-input-file | FileCheck %s --check-prefix=DEVICE

// What only the device's kernels use stays there; the input goes there, the result comes back.
// COUNT: remark: 2 kernel calls on the device, 0 on the CPU; 1 transfers to the host, 1 to the device, 0 copies on the device
// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[X:.*]]: memref<8xf32>)
// CHECK-NEXT: kernel.runtime_call "input_to_device"() outs(%[[X]]) {{.*}}params = array<i64: 0>
// CHECK-NEXT: %[[A:.*]] = memref.alloc
// CHECK-NEXT: kernel.call @double(%[[X]]) outs(%[[A]])
// CHECK-NEXT: %[[B:.*]] = memref.alloc
// CHECK-NEXT: kernel.call @double(%[[A]]) outs(%[[B]])
// CHECK-NEXT: kernel.runtime_call "result_to_host"() outs(%[[B]]) {{.*}}params = array<i64: 0>
// CHECK-NEXT: return %[[B]]
func.func private @double(!llvm.ptr, memref<8xf32>, memref<8xf32>) attributes {kernel.device}
func.func @main(%x: memref<8xf32>) -> memref<8xf32> {
  %a = memref.alloc() : memref<8xf32>
  kernel.call @double(%x) outs(%a) : (memref<8xf32>, memref<8xf32>) -> ()
  %b = memref.alloc() : memref<8xf32>
  kernel.call @double(%a) outs(%b) : (memref<8xf32>, memref<8xf32>) -> ()
  return %b : memref<8xf32>
}

// -----

// The host's kernel between two of the device gets a fresh copy once, and its result goes back.
// COUNT: remark: 2 kernel calls on the device, 1 on the CPU; 2 transfers to the host, 2 to the device, 0 copies on the device
// CHECK-LABEL: func.func @main
// CHECK: kernel.call @double(%{{.*}}) outs(%[[A:.*]]) :
// CHECK: kernel.runtime_call "to_host"() outs(%[[A]])
// CHECK-NEXT: kernel.runtime_call "sort"(%[[A]]) outs(%[[B:.*]]) {
// CHECK-NEXT: kernel.runtime_call "to_device"() outs(%[[B]])
// CHECK-NEXT: %{{.*}} = memref.load %[[A]]
// CHECK-NEXT: memref.alloc
// CHECK-NEXT: kernel.call @double(%[[B]]) outs(%[[C:.*]]) :
// CHECK-NEXT: kernel.runtime_call "result_to_host"() outs(%[[C]])
func.func private @double(!llvm.ptr, memref<8xf32>, memref<8xf32>) attributes {kernel.device}
func.func @main(%x: memref<8xf32>) -> (memref<8xf32>, f32) {
  %zero = arith.constant 0 : index
  %a = memref.alloc() : memref<8xf32>
  %b = memref.alloc() : memref<8xf32>
  kernel.call @double(%x) outs(%a) : (memref<8xf32>, memref<8xf32>) -> ()
  kernel.runtime_call "sort"(%a) outs(%b) {dtypes = array<i32: 1, 1>} : (memref<8xf32>, memref<8xf32>) -> ()
  %first = memref.load %a[%zero] : memref<8xf32>
  %c = memref.alloc() : memref<8xf32>
  kernel.call @double(%b) outs(%c) : (memref<8xf32>, memref<8xf32>) -> ()
  return %c, %first : memref<8xf32>, f32
}

// -----

// One element written by the host: the rest must be there when all goes back. Views share their source's memory.
// CHECK-LABEL: func.func @main
// CHECK: kernel.call @double(%{{.*}}) outs(%[[A:.*]]) :
// CHECK: %[[V:.*]] = memref.expand_shape %[[A]]
// CHECK: kernel.runtime_call "to_host"() outs(%[[V]])
// CHECK-NEXT: memref.store %{{.*}}, %[[V]]
// CHECK-NEXT: kernel.runtime_call "to_device"() outs(%[[V]])
// CHECK: kernel.call @double(%[[A]])
func.func private @double(!llvm.ptr, memref<8xf32>, memref<8xf32>) attributes {kernel.device}
func.func @main(%x: memref<8xf32>, %v: f32) -> memref<8xf32> {
  %zero = arith.constant 0 : index
  %a = memref.alloc() : memref<8xf32>
  kernel.call @double(%x) outs(%a) : (memref<8xf32>, memref<8xf32>) -> ()
  %view = memref.expand_shape %a [[0, 1]] output_shape [2, 4] : memref<8xf32> into memref<2x4xf32>
  memref.store %v, %view[%zero, %zero] : memref<2x4xf32>
  %b = memref.alloc() : memref<8xf32>
  kernel.call @double(%a) outs(%b) : (memref<8xf32>, memref<8xf32>) -> ()
  return %b : memref<8xf32>
}

// -----

// A buffer that is carried around a loop has one home; copies between buffers of the device stay there. Constants are on both sides.
// CHECK-LABEL: func.func @main
// CHECK: scf.for {{.*}} iter_args(%[[CARRIED:.*]] = %{{.*}})
// CHECK-NOT: to_host
// CHECK: kernel.call @add(%[[CARRIED]], %{{.*}}) outs(%[[NEXT:.*]]) :
// CHECK-NEXT: scf.yield %[[NEXT]]
// CHECK: kernel.runtime_call "device_copy"(%{{.*}}) outs(%[[Y:.*]])
// CHECK: kernel.runtime_call "result_to_host"() outs(%{{.*}})
memref.global "private" constant @one : memref<8xf32> = dense<1.0>
func.func private @add(!llvm.ptr, memref<8xf32>, memref<8xf32>, memref<8xf32>) attributes {kernel.device}
func.func @main(%x: memref<8xf32>, %n: index) -> memref<8xf32> {
  %zero = arith.constant 0 : index
  %step = arith.constant 1 : index
  %one = memref.get_global @one : memref<8xf32>
  %last = scf.for %i = %zero to %n step %step iter_args(%carried = %x) -> memref<8xf32> {
    %next = memref.alloc() : memref<8xf32>
    kernel.call @add(%carried, %one) outs(%next) : (memref<8xf32>, memref<8xf32>, memref<8xf32>) -> ()
    scf.yield %next : memref<8xf32>
  }
  %y = memref.alloc() : memref<8xf32>
  kernel.call @add(%one, %one) outs(%y) : (memref<8xf32>, memref<8xf32>, memref<8xf32>) -> ()
  memref.copy %last, %y : memref<8xf32> to memref<8xf32>
  return %y : memref<8xf32>
}

// -----

// Parts of tensors are copied on the device too, whatever their strides; no whole tensor goes to the host and back for them.
// COUNT: 1 transfers to the host, 1 to the device, 1 copies on the device
// CHECK-LABEL: func.func @main
// CHECK: kernel.call @widen
// CHECK-NOT: runtime_call
// CHECK: memref.copy %{{.*}}, %{{.*}} {kernel.device}
// CHECK-NOT: runtime_call
// CHECK: kernel.call @double
// CHECK-NEXT: kernel.runtime_call "result_to_host"
// COPY: call @widen
// COPY-NOT: memref.copy
// COPY: llvm.call @sinter_rt_device_copy_strided(%arg0,
// COPY-NOT: memref.copy
// COPY: call @double
func.func private @widen(!llvm.ptr, memref<8x2xf32>, memref<8x4xf32>) attributes {kernel.device}
func.func private @double(!llvm.ptr, memref<8x2xf32>, memref<8x2xf32>) attributes {kernel.device}
func.func @main(%x: memref<8x2xf32>) -> memref<8x2xf32> {
  %wide = memref.alloc() : memref<8x4xf32>
  kernel.call @widen(%x) outs(%wide) : (memref<8x2xf32>, memref<8x4xf32>) -> ()
  %part = memref.subview %wide[0, 1] [8, 2] [1, 1] : memref<8x4xf32> to memref<8x2xf32, strided<[4, 1], offset: 1>>
  %a = memref.alloc() : memref<8x2xf32>
  memref.copy %part, %a : memref<8x2xf32, strided<[4, 1], offset: 1>> to memref<8x2xf32>
  %b = memref.alloc() : memref<8x2xf32>
  kernel.call @double(%a) outs(%b) : (memref<8x2xf32>, memref<8x2xf32>) -> ()
  return %b : memref<8x2xf32>
}

// -----

// An input that the host alone reads, and a result that it alone writes: the caller may have the first on the device.
// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[X:.*]]: memref<8xf32>, %[[N:.*]]: memref<i64>, %{{.*}}: memref<2xi64>)
// CHECK-NEXT: kernel.runtime_call "input_to_device"() outs(%[[X]]) {{.*}}params = array<i64: 0>
// CHECK-NEXT: kernel.runtime_call "input_to_host"() outs(%[[N]]) {{.*}}params = array<i64: 1>
// CHECK-NOT: to_host
// CHECK: kernel.call @double(%[[X]]) outs(%[[B:.*]]) :
// CHECK-NOT: to_host
// CHECK: kernel.runtime_call "result_to_host"() outs(%[[B]]) {{.*}}params = array<i64: 1>
// CHECK-NEXT: return
func.func private @double(!llvm.ptr, memref<8xf32>, memref<8xf32>) attributes {kernel.device}
func.func @main(%x: memref<8xf32>, %n: memref<i64>, %unused: memref<2xi64>) -> (memref<i64>, memref<8xf32>) {
  %one = arith.constant 1 : i64
  %value = memref.load %n[] : memref<i64>
  %next = arith.addi %value, %one : i64
  %a = memref.alloc() : memref<i64>
  memref.store %next, %a[] : memref<i64>
  %b = memref.alloc() : memref<8xf32>
  kernel.call @double(%x) outs(%b) : (memref<8xf32>, memref<8xf32>) -> ()
  return %a, %b : memref<i64>, memref<8xf32>
}

// -----

// Without kernels of a device nothing is changed, but for a target with one: its callers may have their tensors there.
// CHECK-LABEL: func.func @main
// CHECK-NOT: _to_
// DEVICE: kernel.runtime_call "input_to_host"() outs(%{{.*}}) {{.*}}params = array<i64: 0>
// DEVICE-NEXT: memref.alloc
func.func private @double(!llvm.ptr, memref<8xf32>, memref<8xf32>)
func.func @main(%x: memref<8xf32>) -> memref<8xf32> {
  %a = memref.alloc() : memref<8xf32>
  kernel.call @double(%x) outs(%a) : (memref<8xf32>, memref<8xf32>) -> ()
  return %a : memref<8xf32>
}
