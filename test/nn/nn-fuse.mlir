// Which ops share a kernel.
// RUN: sinter-opt %s --pass-pipeline='builtin.module(func.func(nn-fuse))' | FileCheck %s

// Integers that follow from sizes are no kernel: the host computes them.
// CHECK-LABEL: func @shape_arithmetic
// CHECK: nn.shape_of
// CHECK-NEXT: nn.gather
// CHECK-NEXT: nn.unsqueeze
// CHECK-NEXT: nn.concat
// CHECK-NEXT: nn.reshape
// CHECK-NEXT: nn.fused
// CHECK-NEXT: nn.relu
func.func @shape_arithmetic(%x: tensor<?x?x6xf32>) -> tensor<?x?x2x3xf32> {
  %zero = nn.constant dense<0> : tensor<i64>
  %minus = nn.constant dense<-1> : tensor<1xi64>
  %two = nn.constant dense<2> : tensor<1xi64>
  %three = nn.constant dense<3> : tensor<1xi64>
  %0 = nn.shape_of %x {end = 3 : i64, start = 0 : i64} : (tensor<?x?x6xf32>) -> tensor<3xi64>
  %1 = nn.gather %0, %zero {axis = 0 : i64} : (tensor<3xi64>, tensor<i64>) -> tensor<i64>
  %2 = nn.unsqueeze %1 {axes = array<i64: 0>} : (tensor<i64>) -> tensor<1xi64>
  %3 = nn.concat %2, %minus, %two, %three {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xi64>
  %4 = nn.reshape %x, %3 : (tensor<?x?x6xf32>, tensor<4xi64>) -> tensor<?x?x2x3xf32>
  %5 = nn.relu %4 : (tensor<?x?x2x3xf32>) -> tensor<?x?x2x3xf32>
  return %5 : tensor<?x?x2x3xf32>
}
