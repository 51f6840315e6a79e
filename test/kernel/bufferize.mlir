// RUN: sinter-opt %s --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" | FileCheck %s

func.func private @k(!llvm.ptr, memref<8xf32>, memref<8xf32>)

// Destinations are written in place, and a view is the same memory.
// CHECK-LABEL: func.func @host(
// CHECK-SAME: %[[X:.*]]: memref<8xf32>
func.func @host(%x: tensor<8xf32>, %n: index) -> tensor<?x2xf32> {
  // CHECK: %[[A:.*]] = memref.alloc() {{.*}} : memref<8xf32>
  %init = tensor.empty() : tensor<8xf32>
  // CHECK: kernel.call @k(%[[X]]) outs(%[[A]]) : (memref<8xf32>, memref<8xf32>) -> ()
  %y = kernel.call @k(%x) outs(%init) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  // CHECK: memref.reinterpret_cast %[[A]] to offset: [0], sizes: [%{{.*}}, 2], strides: [2, 1]
  %v = kernel.view %y[%n] : tensor<8xf32> to tensor<?x2xf32>
  return %v : tensor<?x2xf32>
}

// A part is read where it lies. Rooms of a tensor do not wait for each other: what has been written to one is read after
// another was written to, without a copy. The whole is the memory that they are in.
// CHECK-LABEL: func.func @parts(
// CHECK-SAME: %[[X:.*]]: memref<16xf32>
func.func @parts(%x: tensor<16xf32>) -> (tensor<16xf32>, tensor<8xf32>) {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  // CHECK: %[[P:.*]] = kernel.part %[[X]] at %{{.*}} : memref<16xf32> to memref<8xf32>
  %p = kernel.part %x at %c8 : tensor<16xf32> to tensor<8xf32>
  // CHECK: %[[W:.*]] = memref.alloc() {{.*}} : memref<16xf32>
  %w = bufferization.alloc_tensor() : tensor<16xf32>
  // CHECK: %[[A:.*]] = kernel.part %[[W]] at %c0
  %ra = kernel.room in %w at %c0 : tensor<16xf32> to tensor<8xf32>
  // CHECK-NEXT: kernel.call @k(%[[P]]) outs(%[[A]])
  %a = kernel.call @k(%p) outs(%ra) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  // CHECK-NEXT: %[[B:.*]] = kernel.part %[[W]] at %c8
  %rb = kernel.room in %w at %c8 : tensor<16xf32> to tensor<8xf32>
  // CHECK-NEXT: kernel.call @k(%[[P]]) outs(%[[B]])
  %b = kernel.call @k(%p) outs(%rb) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %y = kernel.join %w of %a, %b : tensor<16xf32> of tensor<8xf32>, tensor<8xf32>
  // CHECK: %[[Z:.*]] = memref.alloc() {{.*}} : memref<8xf32>
  %init = tensor.empty() : tensor<8xf32>
  // CHECK-NEXT: kernel.call @k(%[[A]]) outs(%[[Z]])
  %z = kernel.call @k(%a) outs(%init) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  // CHECK: return %[[W]], %[[Z]]
  return %y, %z : tensor<16xf32>, tensor<8xf32>
}
