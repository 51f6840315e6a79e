// What doesn't depend on the inputs is computed now, within limits.
// RUN: sinter-opt %s --nn-fold-constants | FileCheck %s
// RUN: sinter-opt %s --nn-fold-constants=max-bytes=16 | FileCheck %s --check-prefix=LIMIT

// The evaluator runs ops on constants.
// CHECK-LABEL: func @evaluated
// CHECK: %[[C:.*]] = nn.constant dense<[5.000000e+00, 7.000000e+00]>
// CHECK-NEXT: return %[[C]]
func.func @evaluated() -> tensor<2xf32> {
  %a = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %b = nn.constant dense<[4.0, 5.0]> : tensor<2xf32>
  %0 = nn.add %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// Static dims need no constant operand.
// CHECK-LABEL: func @dims
// CHECK: nn.constant dense<[2, 12]> : tensor<2xi64>
func.func @dims(%x: tensor<2x3x4xf32>) -> tensor<2xi64> {
  %four = nn.constant dense<4> : tensor<1xi64>
  %0 = nn.shape_of %x {start = 0 : i64, end = 1 : i64} : (tensor<2x3x4xf32>) -> tensor<1xi64>
  %1 = nn.shape_of %x {start = 1 : i64, end = 2 : i64} : (tensor<2x3x4xf32>) -> tensor<1xi64>
  %2 = nn.mul %1, %four : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %3 = nn.concat %0, %2 {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  return %3 : tensor<2xi64>
}

// A splat stays one, at any size and under any limit.
// CHECK-LABEL: func @splat
// CHECK: nn.constant dense<4.000000e+00> : tensor<4096x4096xf32>
// LIMIT-LABEL: func @splat
// LIMIT: nn.constant dense<4.000000e+00> : tensor<4096x4096xf32>
func.func @splat() -> tensor<4096x4096xf32> {
  %two = nn.constant dense<2.0> : tensor<1xf32>
  %shape = nn.constant dense<4096> : tensor<2xi64>
  %0 = nn.expand %two, %shape : (tensor<1xf32>, tensor<2xi64>) -> tensor<4096x4096xf32>
  %1 = nn.mul %0, %two : (tensor<4096x4096xf32>, tensor<1xf32>) -> tensor<4096x4096xf32>
  return %1 : tensor<4096x4096xf32>
}

// Constants larger than the limit and than what they are made of are left to run time.
// CHECK-LABEL: func @grows
// CHECK-NOT: nn.tile
// LIMIT-LABEL: func @grows
// LIMIT: nn.tile
func.func @grows() -> tensor<8xf32> {
  %a = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %four = nn.constant dense<4> : tensor<1xi64>
  %0 = nn.tile %a, %four : (tensor<2xf32>, tensor<1xi64>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// 8-bit integers are summed in i32, also where four steps of the sum lie beside each other.
// CHECK-LABEL: func @bytes
// CHECK: nn.constant dense<{{\[\[}}-505, -32640]]> : tensor<1x2xi32>
// CHECK: nn.constant dense<{{\[\[\[\[}}-505, -32640]]]]> : tensor<1x1x1x2xi32>
func.func @bytes() -> (tensor<1x2xi32>, tensor<1x1x1x2xi32>) {
  %x = nn.constant dense<[[1, 2, 3, 255]]> : tensor<1x4xui8>
  %w = nn.constant dense<[[[[1, -1, 2, -2], [0, 0, 0, -128]]]]> : tensor<1x1x2x4xi8>
  %picture = nn.constant dense<[[[[1, 2, 3, 255]]]]> : tensor<1x1x1x4xui8>
  %filter = nn.constant dense<[[[[[[1, -1, 2, -2], [0, 0, 0, -128]]]]]]> : tensor<1x1x1x1x2x4xi8>
  %0 = nn.matmul %x, %w {columns = 2 : i64, rhs_block = 2 : i64} : (tensor<1x4xui8>, tensor<1x1x2x4xi8>) -> tensor<1x2xi32>
  %1 = nn.conv %picture, %filter {data_layout = #nn<data_layout channels_last>, dilations = array<i64: 1, 1>, filter_block = 2 : i64, out_channels = 2 : i64, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x1x4xui8>, tensor<1x1x1x1x2x4xi8>) -> tensor<1x1x1x2xi32>
  return %0, %1 : tensor<1x2xi32>, tensor<1x1x1x2xi32>
}

// What has no elements is known, whatever it is made of; a sum over it is 0.
// CHECK-LABEL: func @empty
// CHECK: nn.constant dense<0.000000e+00> : tensor<2x4xf32>
// CHECK-NOT: nn.reduce
func.func @empty(%x: tensor<2x0x4xf32>) -> tensor<2x4xf32> {
  %0 = nn.abs %x : (tensor<2x0x4xf32>) -> tensor<2x0x4xf32>
  %1 = nn.reduce %0 {axes = array<i64: 1>, keepdims = false, kind = #nn<reduce_kind sum>} : (tensor<2x0x4xf32>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// Weights beyond the limit are still padded to whole panels, which makes them a little larger.
// LIMIT-LABEL: func @padded
// LIMIT-NOT: nn.pad
// LIMIT: return
func.func @padded() -> tensor<72xf32> {
  %w = nn.constant dense<[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0, 17.0, 18.0, 19.0, 20.0, 21.0, 22.0, 23.0, 24.0, 25.0, 26.0, 27.0, 28.0, 29.0, 30.0, 31.0, 32.0, 33.0, 34.0, 35.0, 36.0, 37.0, 38.0, 39.0, 40.0, 41.0, 42.0, 43.0, 44.0, 45.0, 46.0, 47.0, 48.0, 49.0, 50.0, 51.0, 52.0, 53.0, 54.0, 55.0, 56.0, 57.0, 58.0, 59.0, 60.0, 61.0, 62.0, 63.0]> : tensor<64xf32>
  %pads = nn.constant dense<[0, 8]> : tensor<2xi64>
  %0 = nn.pad %w, %pads {mode = #nn<pad_mode constant>} : (tensor<64xf32>, tensor<2xi64>) -> tensor<72xf32>
  return %0 : tensor<72xf32>
}
