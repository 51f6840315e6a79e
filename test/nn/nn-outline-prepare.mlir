// What follows from constants alone moves to @prepare, also as a kernel; small values stay.
// RUN: sinter-opt %s --nn-outline-prepare="least-bytes=64" | FileCheck %s

// CHECK-LABEL: func.func @prepare() -> tensor<2x32xf32>
// CHECK: %[[SUMS:.*]] = nn.fused
// CHECK: nn.einsum
// CHECK: return %[[SUMS]] : tensor<2x32xf32>

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:.*]]: tensor<4x2xf32>, %[[Y:.*]]: tensor<2xf32>, %[[W:.*]]: tensor<2x32xf32> {nn.prepared})
// CHECK-NOT: nn.einsum
// CHECK: nn.matmul %[[X]], %[[W]]
// CHECK: nn.neg
// CHECK: nn.add
func.func @main(%x: tensor<4x2xf32>, %y: tensor<2xf32>) -> (tensor<4x32xf32>, tensor<2xf32>) {
  %m = nn.constant dense<[[1.0], [2.0]]> : tensor<2x1xf32>
  %w = nn.constant dense<3.0> : tensor<1x32xf32>
  %sums = nn.fused : tensor<2x32xf32> {
    %0 = nn.einsum %m, %w {equation = "pi,ik->pk"} : (tensor<2x1xf32>, tensor<1x32xf32>) -> tensor<2x32xf32>
    nn.yield %0 : tensor<2x32xf32>
  }
  %product = nn.matmul %x, %sums : (tensor<4x2xf32>, tensor<2x32xf32>) -> tensor<4x32xf32>
  %c = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %n = nn.neg %c : (tensor<2xf32>) -> tensor<2xf32>
  %small = nn.add %y, %n : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %product, %small : tensor<4x32xf32>, tensor<2xf32>
}
