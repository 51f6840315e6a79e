// Where the number of rows is not known, few take the direct product of the panels that Strassen's sums are made of.
// RUN: sinter-opt %s --pass-pipeline='builtin.module(func.func(nn-version-products))' | FileCheck %s

// CHECK-LABEL: func @dynamic
// CHECK: %[[PANELS:.*]] = nn.constant {{.*}} : tensor<1x2x2x16x16xf32>
// CHECK: %[[SUMS:.*]] = nn.einsum %{{.*}}, %[[PANELS]]
// CHECK: nn.compare {{.*}} ge
// CHECK: %[[R:.*]] = nn.if
// CHECK-NEXT: nn.fused
// CHECK-NEXT: nn.matmul %{{.*}}, %[[SUMS]] {columns = 32 : i64, rhs_block = 16 : i64, strassen}
// CHECK-NEXT: nn.relu
// CHECK: else
// CHECK: %[[DIRECT:.*]] = nn.reshape %[[PANELS]], {{.*}} -> tensor<2x32x16xf32>
// CHECK-NEXT: nn.fused
// CHECK-NEXT: nn.matmul %{{.*}}, %[[DIRECT]] {columns = 32 : i64, rhs_block = 16 : i64} :
// CHECK-NEXT: nn.relu
// CHECK: return %[[R]]
func.func @dynamic(%x: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %m = nn.constant dense<1.0> : tensor<7x2x2xf32>
  %w = nn.constant dense<3.0> : tensor<1x2x2x16x16xf32>
  %sums = nn.einsum %m, %w {equation = "pij,bjikv->pbkv"} : (tensor<7x2x2xf32>, tensor<1x2x2x16x16xf32>) -> tensor<7x1x16x16xf32>
  %0 = nn.fused : tensor<?x32xf32> {
    %1 = nn.matmul %x, %sums {columns = 32 : i64, rhs_block = 16 : i64, strassen} : (tensor<?x32xf32>, tensor<7x1x16x16xf32>) -> tensor<?x32xf32>
    %2 = nn.relu %1 : (tensor<?x32xf32>) -> tensor<?x32xf32>
    nn.yield %2 : tensor<?x32xf32>
  }
  return %0 : tensor<?x32xf32>
}

// CHECK-LABEL: func @static
// CHECK-NOT: nn.if
func.func @static(%x: tensor<96x32xf32>, %sums: tensor<7x1x16x16xf32>) -> tensor<96x32xf32> {
  %0 = nn.matmul %x, %sums {columns = 32 : i64, rhs_block = 16 : i64, strassen} : (tensor<96x32xf32>, tensor<7x1x16x16xf32>) -> tensor<96x32xf32>
  return %0 : tensor<96x32xf32>
}
