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

// A pool of squares that divide the tiles of F(4×4, 3×3) joins the convolution.
// CHECK-LABEL: func @pool_of_tiles
// CHECK: nn.fused : tensor<1x4x4x16xf32> {
// CHECK-NEXT: nn.conv
// CHECK-NEXT: nn.relu
// CHECK-NEXT: nn.max_pool
// CHECK-NEXT: nn.yield
func.func @pool_of_tiles(%x: tensor<1x8x8x16xf32>, %w: tensor<1x6x6x16x16xf32>) -> tensor<1x4x4x16xf32> {
  %0 = nn.conv %x, %w {data_layout = #nn<data_layout channels_last>, dilations = array<i64: 1, 1>, filter_block = 16 : i64, out_channels = 16 : i64, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>, winograd = 4 : i64} : (tensor<1x8x8x16xf32>, tensor<1x6x6x16x16xf32>) -> tensor<1x8x8x16xf32>
  %1 = nn.relu %0 : (tensor<1x8x8x16xf32>) -> tensor<1x8x8x16xf32>
  %2 = nn.max_pool %1 {data_layout = #nn<data_layout channels_last>, dilations = array<i64: 1, 1>, kernel_shape = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x8x8x16xf32>) -> tensor<1x4x4x16xf32>
  return %2 : tensor<1x4x4x16xf32>
}

// Not where somebody else reads what is pooled, nor windows that overlap, nor of a direct convolution.
// CHECK-LABEL: func @pools_apart
// CHECK: nn.fused : tensor<1x4x4x16xf32> {
// CHECK-NEXT: nn.max_pool
// CHECK: nn.fused : tensor<1x3x3x16xf32> {
// CHECK-NEXT: nn.max_pool
// CHECK: nn.fused : tensor<1x4x4x16xf32> {
// CHECK-NEXT: nn.max_pool
func.func @pools_apart(%x: tensor<1x8x8x16xf32>, %w: tensor<1x6x6x16x16xf32>, %d: tensor<1x3x3x16x16xf32>) -> (tensor<1x8x8x16xf32>, tensor<1x4x4x16xf32>, tensor<1x3x3x16xf32>, tensor<1x4x4x16xf32>) {
  %0 = nn.conv %x, %w {data_layout = #nn<data_layout channels_last>, dilations = array<i64: 1, 1>, filter_block = 16 : i64, out_channels = 16 : i64, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>, winograd = 4 : i64} : (tensor<1x8x8x16xf32>, tensor<1x6x6x16x16xf32>) -> tensor<1x8x8x16xf32>
  %1 = nn.max_pool %0 {data_layout = #nn<data_layout channels_last>, dilations = array<i64: 1, 1>, kernel_shape = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x8x8x16xf32>) -> tensor<1x4x4x16xf32>
  %2 = nn.conv %0, %w {data_layout = #nn<data_layout channels_last>, dilations = array<i64: 1, 1>, filter_block = 16 : i64, out_channels = 16 : i64, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>, winograd = 4 : i64} : (tensor<1x8x8x16xf32>, tensor<1x6x6x16x16xf32>) -> tensor<1x8x8x16xf32>
  %3 = nn.max_pool %2 {data_layout = #nn<data_layout channels_last>, dilations = array<i64: 1, 1>, kernel_shape = array<i64: 3, 3>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x8x8x16xf32>) -> tensor<1x3x3x16xf32>
  %4 = nn.conv %0, %d {data_layout = #nn<data_layout channels_last>, dilations = array<i64: 1, 1>, filter_block = 16 : i64, out_channels = 16 : i64, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x8x16xf32>, tensor<1x3x3x16x16xf32>) -> tensor<1x8x8x16xf32>
  %5 = nn.max_pool %4 {data_layout = #nn<data_layout channels_last>, dilations = array<i64: 1, 1>, kernel_shape = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x8x8x16xf32>) -> tensor<1x4x4x16xf32>
  return %0, %1, %3, %5 : tensor<1x8x8x16xf32>, tensor<1x4x4x16xf32>, tensor<1x3x3x16xf32>, tensor<1x4x4x16xf32>
}
