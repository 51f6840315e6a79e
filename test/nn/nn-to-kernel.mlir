// Kernels walk as few dims as they can.
// RUN: sinter-opt %s --nn-to-kernel --canonicalize --cse | FileCheck %s

// Batch and sequence are one dim to the rows of a product; what is static of a row stays known.
// CHECK-LABEL: func @rows
// CHECK: %[[N:.*]] = arith.muli
// CHECK: kernel.view %{{.*}}[%[[N]]] : tensor<?x?x8xf32> to tensor<?x8xf32>
// CHECK: kernel.call @[[K:[a-z_0-9]+]](
// CHECK: kernel.view {{.*}} : tensor<?x16xf32> to tensor<?x?x16xf32>
func.func @rows(%x: tensor<?x?x8xf32>, %w: tensor<8x16xf32>, %b: tensor<16xf32>) -> tensor<?x?x16xf32> {
  %0 = nn.fused : tensor<?x?x16xf32> {
    %1 = nn.matmul %x, %w : (tensor<?x?x8xf32>, tensor<8x16xf32>) -> tensor<?x?x16xf32>
    %2 = nn.add %1, %b : (tensor<?x?x16xf32>, tensor<16xf32>) -> tensor<?x?x16xf32>
    nn.yield %2 : tensor<?x?x16xf32>
  }
  return %0 : tensor<?x?x16xf32>
}

// Where one operand has the sequence without the batch, they stay two.
// CHECK-LABEL: func @positions
// CHECK-NOT: kernel.view
// CHECK: kernel.func @[[K:matmul_add_0]](%[[X:.*]]: tensor<?x8xf32>{{.*}}, %{{.*}}: tensor<8x16xf32>, %{{.*}}: tensor<16xf32>) -> tensor<?x16xf32>
// CHECK: %[[D:.*]] = tensor.dim %[[X]], %{{.*}} : tensor<?x8xf32>
// CHECK: tensor.empty(%[[D]]) : tensor<?x16xf32>
// CHECK: kernel.func {{.*}}tensor<?x?x8xf32>{{.*}}, %{{.*}}: tensor<?x8xf32>{{.*}}) -> tensor<?x?x8xf32>
func.func @positions(%x: tensor<?x?x8xf32> {nn.dims = ["b", "s", ""]}, %p: tensor<?x8xf32> {nn.dims = ["s", ""]}) -> tensor<?x?x8xf32> {
  %0 = nn.add %x, %p : (tensor<?x?x8xf32>, tensor<?x8xf32>) -> tensor<?x?x8xf32>
  return %0 : tensor<?x?x8xf32>
}
