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
