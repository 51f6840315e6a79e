// A part is dense memory at an address of its own, and what it is a part of lives as long.
// RUN: sinter-opt %s --plan-memory | FileCheck %s

// CHECK-LABEL: func.func @sinter_workspace_size
// CHECK: arith.constant 512 : index
// CHECK-LABEL: func.func @sinter_main
// CHECK: %[[A:.*]] = memref.view %{{.*}}[%{{.*}}][] : memref<?xi8> to memref<64xf32>
// CHECK: %[[START:.*]] = memref.extract_aligned_pointer_as_index %[[A]]
// CHECK: %[[OFFSET:.*]] = arith.muli %{{.*}}, %c4
// CHECK: %[[ADDRESS:.*]] = arith.addi %[[START]], %[[OFFSET]]
// CHECK: %[[PART:.*]] = memref.view %{{.*}} : memref<?xi8> to memref<16xf32>
// CHECK: %[[B:.*]] = memref.view %{{.*}}[%{{.*}}][] : memref<?xi8> to memref<64xf32>
// CHECK: memref.copy %{{.*}}, %[[B]]
// CHECK: memref.copy %[[PART]], %{{.*}}
func.func @main(%x: memref<64xf32>, %y: memref<16xf32>) -> memref<64xf32> {
  %c8 = arith.constant 8 : index
  %a = memref.alloc() : memref<64xf32>
  memref.copy %x, %a : memref<64xf32> to memref<64xf32>
  %part = kernel.part %a at %c8 : memref<64xf32> to memref<16xf32>
  %b = memref.alloc() : memref<64xf32>
  memref.copy %x, %b : memref<64xf32> to memref<64xf32>
  memref.copy %part, %y : memref<16xf32> to memref<16xf32>
  memref.copy %b, %x : memref<64xf32> to memref<64xf32>
  return %x : memref<64xf32>
}
