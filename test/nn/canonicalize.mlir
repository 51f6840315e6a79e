// Identities vanish; chains of views and transposes become one.
// RUN: sinter-opt %s --canonicalize | FileCheck %s

// Adding zero, multiplying by one and casting to the same type do nothing.
// CHECK-LABEL: func @arithmetic
// CHECK-SAME: (%[[X:[a-z0-9]+]]: tensor<?x4xf32>)
// CHECK-NEXT: return %[[X]]
func.func @arithmetic(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %zero = nn.constant dense<0.0> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<4xf32>
  %0 = nn.add %zero, %x : (tensor<f32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %1 = nn.mul %0, %one : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %2 = nn.div %1, %one : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %3 = nn.sub %2, %zero : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %4 = nn.cast %3 {to = f32} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return %4 : tensor<?x4xf32>
}

// A zero that broadcasts its partner is not an identity.
// CHECK-LABEL: func @broadcasting_zero
// CHECK: nn.add
func.func @broadcasting_zero(%x: tensor<4xf32>) -> tensor<2x4xf32> {
  %zero = nn.constant dense<0.0> : tensor<2x4xf32>
  %0 = nn.add %x, %zero : (tensor<4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// A cast there and back vanishes only if nothing is lost on the way.
// CHECK-LABEL: func @casts
// CHECK-SAME: (%[[X:[a-z0-9]+]]: tensor<4xf16>, %[[Y:[a-z0-9]+]]: tensor<4xf32>)
// CHECK: %[[A:.*]] = nn.cast %[[Y]] {to = f16}
// CHECK: %[[B:.*]] = nn.cast %[[A]] {to = f32}
// CHECK: return %[[X]], %[[B]]
func.func @casts(%x: tensor<4xf16>, %y: tensor<4xf32>) -> (tensor<4xf16>, tensor<4xf32>) {
  %0 = nn.cast %x {to = f32} : (tensor<4xf16>) -> tensor<4xf32>
  %1 = nn.cast %0 {to = f16} : (tensor<4xf32>) -> tensor<4xf16>
  %2 = nn.cast %y {to = f16} : (tensor<4xf32>) -> tensor<4xf16>
  %3 = nn.cast %2 {to = f32} : (tensor<4xf16>) -> tensor<4xf32>
  return %1, %3 : tensor<4xf16>, tensor<4xf32>
}

// A chain of views is one reshape, whose target is a constant.
// CHECK-LABEL: func @views
// CHECK-SAME: (%[[X:[a-z0-9]+]]: tensor<?x2x6xf32>,
// CHECK: %[[SHAPE:.*]] = nn.constant dense<[-1, 4, 3]>
// CHECK: %[[Y:.*]] = nn.reshape %[[X]], %[[SHAPE]]
// CHECK: return %[[Y]]
func.func @views(%x: tensor<?x2x6xf32>, %n: tensor<1xi64>) -> tensor<?x4x3xf32> {
  %rest = nn.constant dense<[4, 3]> : tensor<2xi64>
  %flat = nn.constant dense<[0, -1]> : tensor<2xi64>
  %0 = nn.reshape %x, %flat : (tensor<?x2x6xf32>, tensor<2xi64>) -> tensor<?x12xf32>
  %1 = nn.unsqueeze %0 {axes = array<i64: 1>} : (tensor<?x12xf32>) -> tensor<?x1x12xf32>
  %2 = nn.concat %n, %rest {axis = 0 : i64} : (tensor<1xi64>, tensor<2xi64>) -> tensor<3xi64>
  %3 = nn.reshape %1, %2 : (tensor<?x1x12xf32>, tensor<3xi64>) -> tensor<?x4x3xf32>
  return %3 : tensor<?x4x3xf32>
}

// Two transposes compose; with their inverse they vanish.
// CHECK-LABEL: func @transposes
// CHECK-SAME: (%[[X:[a-z0-9]+]]: tensor<2x3x4xf32>)
// CHECK: %[[T:.*]] = nn.transpose %[[X]] {permutation = array<i64: 2, 0, 1>}
// CHECK: return %[[X]], %[[T]]
func.func @transposes(%x: tensor<2x3x4xf32>) -> (tensor<2x3x4xf32>, tensor<4x2x3xf32>) {
  %0 = nn.transpose %x {permutation = array<i64: 1, 2, 0>} : (tensor<2x3x4xf32>) -> tensor<3x4x2xf32>
  %1 = nn.transpose %0 {permutation = array<i64: 2, 0, 1>} : (tensor<3x4x2xf32>) -> tensor<2x3x4xf32>
  %2 = nn.transpose %0 {permutation = array<i64: 1, 2, 0>} : (tensor<3x4x2xf32>) -> tensor<4x2x3xf32>
  return %1, %2 : tensor<2x3x4xf32>, tensor<4x2x3xf32>
}

// Slices of everything, pads by nothing and concats of one part vanish.
// CHECK-LABEL: func @whole
// CHECK-SAME: (%[[X:[a-z0-9]+]]: tensor<?x4xf32>, %[[E:[a-z0-9]+]]: tensor<0x4xf32>)
// CHECK-NEXT: return %[[X]]
func.func @whole(%x: tensor<?x4xf32>, %empty: tensor<0x4xf32>) -> tensor<?x4xf32> {
  %zero = nn.constant dense<0> : tensor<1xi64>
  %one = nn.constant dense<1> : tensor<1xi64>
  %end = nn.constant dense<9223372036854775807> : tensor<1xi64>
  %pads = nn.constant dense<0> : tensor<4xi64>
  %0 = nn.slice %x, %zero, %end, %one {axes = array<i64: 0>} : (tensor<?x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4xf32>
  %1 = nn.pad %0, %pads {mode = #nn<pad_mode constant>} : (tensor<?x4xf32>, tensor<4xi64>) -> tensor<?x4xf32>
  %2 = nn.concat %1, %empty {axis = 0 : i64} : (tensor<?x4xf32>, tensor<0x4xf32>) -> tensor<?x4xf32>
  %3 = nn.expand %2, %one : (tensor<?x4xf32>, tensor<1xi64>) -> tensor<?x4xf32>
  return %3 : tensor<?x4xf32>
}

// A slice that reverses has the input's type, but isn't the input.
// CHECK-LABEL: func @reversed
// CHECK: nn.slice
func.func @reversed(%x: tensor<4xf32>) -> tensor<4xf32> {
  %start = nn.constant dense<-1> : tensor<1xi64>
  %end = nn.constant dense<-9223372036854775808> : tensor<1xi64>
  %0 = nn.slice %x, %start, %end, %start {axes = array<i64: 0>} : (tensor<4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
