// The kernel of a contraction has one result.
// RUN: sinter-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(nn-fuse))' | FileCheck %s

// A contraction's kernel has one result: the mask of relu's derivative joins who uses it.
// CHECK-LABEL: func @mask
// CHECK: nn.fused : tensor<8x8xf32> {
// CHECK-NEXT: nn.matmul
// CHECK-NEXT: nn.relu
// CHECK-NEXT: nn.yield
// CHECK: nn.fused : tensor<8x8xf32> {
// CHECK-NEXT: nn.tanh
// CHECK: nn.fused : tensor<8x8xf32> {
// CHECK-NEXT: nn.matmul
// CHECK-NEXT: nn.compare
// CHECK-NEXT: nn.where
func.func @mask(%x: tensor<8x8xf32>, %w: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %zero = nn.constant dense<0.0> : tensor<f32>
  %0 = nn.matmul %x, %w : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %1 = nn.relu %0 : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %2 = nn.tanh %w : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %3 = nn.matmul %1, %2 : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %4 = nn.compare %1, %zero {predicate = #nn<predicate gt>} : (tensor<8x8xf32>, tensor<f32>) -> tensor<8x8xi1>
  %5 = nn.where %4, %3, %zero : (tensor<8x8xi1>, tensor<8x8xf32>, tensor<f32>) -> tensor<8x8xf32>
  return %5 : tensor<8x8xf32>
}

// What reads a product's result twice still joins it where that leaves one result; where both are
// needed, the rest is a kernel of its own.
// CHECK-LABEL: func @twice
// CHECK: nn.fused : tensor<8x8xf32> {
// CHECK-NEXT: nn.matmul
// CHECK-NEXT: nn.sigmoid
// CHECK-NEXT: nn.mul
// CHECK: nn.fused : tensor<8x8xf32> {
// CHECK-NEXT: nn.matmul
// CHECK-NEXT: nn.yield
// CHECK: nn.fused : tensor<8x8xf32> {
// CHECK-NEXT: nn.sigmoid
// CHECK-NEXT: nn.mul
func.func @twice(%x: tensor<8x8xf32>, %w: tensor<8x8xf32>) -> (tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>) {
  %0 = nn.matmul %x, %w : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %1 = nn.sigmoid %0 : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %2 = nn.mul %0, %1 : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %3 = nn.matmul %w, %x : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %4 = nn.sigmoid %3 : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %5 = nn.mul %3, %4 : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  return %2, %3, %5 : tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>
}
