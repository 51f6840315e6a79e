// Intermediates get a place in the workspace; what is returned is the caller's memory if the runtime can have it.
// RUN: sinter-opt %s --plan-memory | FileCheck %s

// CHECK-DAG: func.func private @sinter_rt_output(!llvm.ptr, i32, i64) -> !llvm.ptr
// CHECK-LABEL: func.func @sinter_workspace_size
// CHECK: %[[SIZE:.*]] = arith.constant 256 : index
// CHECK-LABEL: func.func @sinter_main
// CHECK-SAME: (%[[CONTEXT:.*]]: !llvm.ptr, %[[WORKSPACE:.*]]: memref<?xi8>, %[[X:.*]]: memref<64xf32>)
// CHECK: %[[A:.*]] = memref.view %[[WORKSPACE]]
// CHECK: memref.copy %[[X]], %[[A]]
// CHECK: %[[SECOND:.*]] = llvm.mlir.constant(1 : i32) : i32
// CHECK: call @sinter_rt_output(%[[CONTEXT]], %[[SECOND]], %{{.*}})
// CHECK: %[[B:.*]] = memref.view
// CHECK: memref.copy %[[A]], %[[B]]
// CHECK: memref.reinterpret_cast %[[B]]
func.func @main(%x: memref<64xf32>) -> (memref<64xf32>, memref<8x8xf32>) {
  %a = memref.alloc() : memref<64xf32>
  memref.copy %x, %a : memref<64xf32> to memref<64xf32>
  %b = memref.alloc() : memref<64xf32>
  memref.copy %a, %b : memref<64xf32> to memref<64xf32>
  %y = memref.reinterpret_cast %b to offset: [0], sizes: [8, 8], strides: [8, 1] : memref<64xf32> to memref<8x8xf32>
  return %x, %y : memref<64xf32>, memref<8x8xf32>
}
