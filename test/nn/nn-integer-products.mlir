// Products of dequantized numbers are products of integers, scaled.
// RUN: sinter-opt %s --nn-integer-products | FileCheck %s

// CHECK-LABEL: func @product
// CHECK: %[[SUM:.*]] = nn.matmul {{.*}} : (tensor<5x6xi32>, tensor<6x4xi32>) -> tensor<5x4xi32>
// CHECK: %[[FACTOR:.*]] = nn.mul {{.*}} : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
// CHECK: %[[REAL:.*]] = nn.cast %[[SUM]] {to = f32}
// CHECK: nn.mul %[[REAL]], %[[FACTOR]] : (tensor<5x4xf32>, tensor<4xf32>) -> tensor<5x4xf32>
func.func @product(%x: tensor<5x6xui8>, %scale: tensor<f32>, %zero: tensor<i32>) -> tensor<5x4xf32> {
  %w = nn.constant dense<3> : tensor<6x4xi8>
  %t = nn.constant dense<0.5> : tensor<1x4xf32>
  %0 = nn.cast %x {to = i32} : (tensor<5x6xui8>) -> tensor<5x6xi32>
  %1 = nn.sub %0, %zero : (tensor<5x6xi32>, tensor<i32>) -> tensor<5x6xi32>
  %2 = nn.cast %1 {to = f32} : (tensor<5x6xi32>) -> tensor<5x6xf32>
  %3 = nn.mul %2, %scale : (tensor<5x6xf32>, tensor<f32>) -> tensor<5x6xf32>
  %4 = nn.cast %w {to = i32} : (tensor<6x4xi8>) -> tensor<6x4xi32>
  %5 = nn.cast %4 {to = f32} : (tensor<6x4xi32>) -> tensor<6x4xf32>
  %6 = nn.mul %5, %t : (tensor<6x4xf32>, tensor<1x4xf32>) -> tensor<6x4xf32>
  %7 = nn.matmul %3, %6 : (tensor<5x6xf32>, tensor<6x4xf32>) -> tensor<5x4xf32>
  return %7 : tensor<5x4xf32>
}

// The bias stays a float's.
// CHECK-LABEL: func @convolution
// CHECK: nn.conv {{.*}} : (tensor<1x3x5x5xi32>, tensor<8x3x3x3xi32>) -> tensor<1x8x3x3xi32>
// CHECK: nn.mul {{.*}} : (tensor<1x8x3x3xf32>, tensor<f32>)
// CHECK: nn.add {{.*}} : (tensor<1x8x3x3xf32>, tensor<8x1x1xf32>)
func.func @convolution(%x: tensor<1x3x5x5xi8>, %b: tensor<8xf32>) -> tensor<1x8x3x3xf32> {
  %w = nn.constant dense<130> : tensor<8x3x3x3xui8>
  %zero = nn.constant dense<128> : tensor<i32>
  %t = nn.constant dense<0.5> : tensor<f32>
  %0 = nn.cast %x {to = i32} : (tensor<1x3x5x5xi8>) -> tensor<1x3x5x5xi32>
  %1 = nn.cast %0 {to = f32} : (tensor<1x3x5x5xi32>) -> tensor<1x3x5x5xf32>
  %2 = nn.mul %1, %t : (tensor<1x3x5x5xf32>, tensor<f32>) -> tensor<1x3x5x5xf32>
  %3 = nn.cast %w {to = i32} : (tensor<8x3x3x3xui8>) -> tensor<8x3x3x3xi32>
  %4 = nn.sub %3, %zero : (tensor<8x3x3x3xi32>, tensor<i32>) -> tensor<8x3x3x3xi32>
  %5 = nn.cast %4 {to = f32} : (tensor<8x3x3x3xi32>) -> tensor<8x3x3x3xf32>
  %6 = nn.mul %5, %t : (tensor<8x3x3x3xf32>, tensor<f32>) -> tensor<8x3x3x3xf32>
  %7 = nn.conv %2, %6, %b {dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x3x5x5xf32>, tensor<8x3x3x3xf32>, tensor<8xf32>) -> tensor<1x8x3x3xf32>
  return %7 : tensor<1x8x3x3xf32>
}

// A zero point of the weights that leaves more than 8 bits, and a scale of each step of the sum: these stay.
// CHECK-LABEL: func @others
// CHECK-COUNT-2: nn.matmul {{.*}} : (tensor<5x6xf32>, tensor<6x4xf32>) -> tensor<5x4xf32>
func.func @others(%x: tensor<5x6xui8>) -> (tensor<5x4xf32>, tensor<5x4xf32>) {
  %w = nn.constant dense<3> : tensor<6x4xui8>
  %v = nn.constant dense<3> : tensor<6x4xi8>
  %zero = nn.constant dense<7> : tensor<i32>
  %t = nn.constant dense<0.5> : tensor<f32>
  %s = nn.constant dense<0.5> : tensor<6x1xf32>
  %0 = nn.cast %x {to = i32} : (tensor<5x6xui8>) -> tensor<5x6xi32>
  %1 = nn.cast %0 {to = f32} : (tensor<5x6xi32>) -> tensor<5x6xf32>
  %2 = nn.mul %1, %t : (tensor<5x6xf32>, tensor<f32>) -> tensor<5x6xf32>
  %3 = nn.cast %w {to = i32} : (tensor<6x4xui8>) -> tensor<6x4xi32>
  %4 = nn.sub %3, %zero : (tensor<6x4xi32>, tensor<i32>) -> tensor<6x4xi32>
  %5 = nn.cast %4 {to = f32} : (tensor<6x4xi32>) -> tensor<6x4xf32>
  %6 = nn.mul %5, %t : (tensor<6x4xf32>, tensor<f32>) -> tensor<6x4xf32>
  %7 = nn.matmul %2, %6 : (tensor<5x6xf32>, tensor<6x4xf32>) -> tensor<5x4xf32>
  %8 = nn.cast %v {to = i32} : (tensor<6x4xi8>) -> tensor<6x4xi32>
  %9 = nn.cast %8 {to = f32} : (tensor<6x4xi32>) -> tensor<6x4xf32>
  %10 = nn.mul %9, %s : (tensor<6x4xf32>, tensor<6x1xf32>) -> tensor<6x4xf32>
  %11 = nn.matmul %2, %10 : (tensor<5x6xf32>, tensor<6x4xf32>) -> tensor<5x4xf32>
  return %7, %11 : tensor<5x4xf32>, tensor<5x4xf32>
}

// An i32 may not hold the sum of more than 65,793 products.
// CHECK-LABEL: func @deep
// CHECK: nn.matmul {{.*}} : (tensor<1x65794xf32>, tensor<65794x4xf32>) -> tensor<1x4xf32>
func.func @deep(%x: tensor<1x65794xui8>, %scale: tensor<f32>) -> tensor<1x4xf32> {
  %w = nn.constant dense<3> : tensor<65794x4xi8>
  %0 = nn.cast %x {to = i32} : (tensor<1x65794xui8>) -> tensor<1x65794xi32>
  %1 = nn.cast %0 {to = f32} : (tensor<1x65794xi32>) -> tensor<1x65794xf32>
  %2 = nn.mul %1, %scale : (tensor<1x65794xf32>, tensor<f32>) -> tensor<1x65794xf32>
  %3 = nn.cast %w {to = i32} : (tensor<65794x4xi8>) -> tensor<65794x4xi32>
  %4 = nn.cast %3 {to = f32} : (tensor<65794x4xi32>) -> tensor<65794x4xf32>
  %5 = nn.mul %4, %scale : (tensor<65794x4xf32>, tensor<f32>) -> tensor<65794x4xf32>
  %6 = nn.matmul %2, %5 : (tensor<1x65794xf32>, tensor<65794x4xf32>) -> tensor<1x4xf32>
  return %6 : tensor<1x4xf32>
}

// Zero points of each column are not one that comes off the sum.
// CHECK-LABEL: func @zeros
// CHECK: nn.matmul {{.*}} : (tensor<5x6xf32>, tensor<6x4xf32>) -> tensor<5x4xf32>
func.func @zeros(%x: tensor<5x6xui8>, %scale: tensor<f32>, %zero: tensor<6xi32>) -> tensor<5x4xf32> {
  %w = nn.constant dense<3> : tensor<6x4xi8>
  %0 = nn.cast %x {to = i32} : (tensor<5x6xui8>) -> tensor<5x6xi32>
  %1 = nn.sub %0, %zero : (tensor<5x6xi32>, tensor<6xi32>) -> tensor<5x6xi32>
  %2 = nn.cast %1 {to = f32} : (tensor<5x6xi32>) -> tensor<5x6xf32>
  %3 = nn.mul %2, %scale : (tensor<5x6xf32>, tensor<f32>) -> tensor<5x6xf32>
  %4 = nn.cast %w {to = i32} : (tensor<6x4xi8>) -> tensor<6x4xi32>
  %5 = nn.cast %4 {to = f32} : (tensor<6x4xi32>) -> tensor<6x4xf32>
  %6 = nn.mul %5, %scale : (tensor<6x4xf32>, tensor<f32>) -> tensor<6x4xf32>
  %7 = nn.matmul %3, %6 : (tensor<5x6xf32>, tensor<6x4xf32>) -> tensor<5x4xf32>
  return %7 : tensor<5x4xf32>
}
