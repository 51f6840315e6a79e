// Products of quantized numbers take the 8-bit integers themselves, four steps of the sum beside each other, where the
// target has a dot product of such: of unsigned integers and signed weights, or of signed ones.
// RUN: sinter-opt %s --nn-assign-layout="vector=16 dot-factors=unsigned" --nn-simplify | FileCheck %s --check-prefixes=CHECK,UNSIGNED
// RUN: sinter-opt %s --nn-assign-layout="vector=16 dot-factors=signed" --nn-simplify | FileCheck %s --check-prefixes=CHECK,SIGNED
// RUN: sinter-opt %s --nn-assign-layout="vector=16" --nn-simplify | FileCheck %s --check-prefix=NONE
// NONE-NOT: xi8>) ->

// Six steps are two fours; the zero point's part is added to each column.
// CHECK-LABEL: func @product
// UNSIGNED: nn.pad %arg0, {{.*}} -> tensor<5x8xui8>
// UNSIGNED: nn.matmul {{.*}} {columns = 40 : i64, rhs_block = 48 : i64} : (tensor<5x8xui8>, tensor<1x2x48x4xi8>) -> tensor<5x40xi32>
// SIGNED: nn.cast {{.*}} {to = i8}
// SIGNED: nn.matmul {{.*}} {columns = 40 : i64, rhs_block = 48 : i64} : (tensor<5x8xi8>, tensor<1x2x48x4xi8>) -> tensor<5x40xi32>
// CHECK: nn.add {{.*}} -> tensor<5x40xi32>
func.func @product(%x: tensor<5x6xui8>, %zero: tensor<ui8>) -> tensor<5x40xi32> {
  %w = nn.constant dense<3> : tensor<6x40xi32>
  %0 = nn.cast %x {to = i32} : (tensor<5x6xui8>) -> tensor<5x6xi32>
  %1 = nn.cast %zero {to = i32} : (tensor<ui8>) -> tensor<i32>
  %2 = nn.sub %0, %1 : (tensor<5x6xi32>, tensor<i32>) -> tensor<5x6xi32>
  %3 = nn.matmul %2, %w : (tensor<5x6xi32>, tensor<6x40xi32>) -> tensor<5x40xi32>
  return %3 : tensor<5x40xi32>
}

// Weights less their zero point that have more than 8 bits stay.
// CHECK-LABEL: func @wide
// CHECK: nn.matmul {{.*}} tensor<6x40xi32>) -> tensor<5x40xi32>
func.func @wide(%x: tensor<5x6xui8>) -> tensor<5x40xi32> {
  %w = nn.constant dense<200> : tensor<6x40xi32>
  %0 = nn.cast %x {to = i32} : (tensor<5x6xui8>) -> tensor<5x6xi32>
  %1 = nn.matmul %0, %w : (tensor<5x6xi32>, tensor<6x40xi32>) -> tensor<5x40xi32>
  return %1 : tensor<5x40xi32>
}

// The border of a convolution is the zero point, and the bias takes in its part.
// CHECK-LABEL: func @border
// CHECK: nn.constant dense<-1{{[0-9]+}}> : tensor<20xi32>
// UNSIGNED: nn.pad {{.*}} -> tensor<1x9x9x8xui8>
// UNSIGNED: nn.conv {{.*}} pads = array<i64: 0, 0, 0, 0>, {{.*}} : (tensor<1x9x9x8xui8>, tensor<1x3x3x2x32x4xi8>, tensor<20xi32>) -> tensor<1x7x7x20xi32>
// SIGNED: nn.conv {{.*}} : (tensor<1x9x9x8xi8>, tensor<1x3x3x2x32x4xi8>, tensor<20xi32>) -> tensor<1x7x7x20xi32>
func.func @border(%x: tensor<1x7x7x7xui8>) -> tensor<1x20x7x7xi32> {
  %w = nn.constant dense<2> : tensor<20x7x3x3xi32>
  %zero = nn.constant dense<140> : tensor<i32>
  %0 = nn.cast %x {to = i32} : (tensor<1x7x7x7xui8>) -> tensor<1x7x7x7xi32>
  %1 = nn.sub %0, %zero : (tensor<1x7x7x7xi32>, tensor<i32>) -> tensor<1x7x7x7xi32>
  %2 = nn.conv %1, %w {dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x7x7x7xi32>, tensor<20x7x3x3xi32>) -> tensor<1x20x7x7xi32>
  return %2 : tensor<1x20x7x7xi32>
}
