// Dims become static wherever the graph tells them.
// RUN: sinter-opt %s --nn-infer-shapes | FileCheck %s

// Sizes that go through Shape, Gather and Concat are seen through.
// CHECK-LABEL: func @shape_arithmetic
// CHECK-SAME: -> tensor<2x24xf32>
func.func @shape_arithmetic(%x: tensor<2x4x6xf32>) -> tensor<?x?xf32> {
  %zero = nn.constant dense<0> : tensor<i64>
  %rest = nn.constant dense<-1> : tensor<1xi64>
  %0 = nn.shape_of %x {start = 0 : i64, end = 3 : i64} : (tensor<2x4x6xf32>) -> tensor<3xi64>
  %1 = nn.gather %0, %zero {axis = 0 : i64} : (tensor<3xi64>, tensor<i64>) -> tensor<i64>
  %2 = nn.unsqueeze %1 {axes = array<i64: 0>} : (tensor<i64>) -> tensor<1xi64>
  %3 = nn.concat %2, %rest {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  // CHECK: nn.reshape {{.*}} -> tensor<2x24xf32>
  %4 = nn.reshape %x, %3 : (tensor<2x4x6xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %4 : tensor<?x?xf32>
}

// With ceil_mode the last window must start inside the input or its left pad: 2, not 3.
// CHECK-LABEL: func @windows
func.func @windows(%x: tensor<1x1x4x4xf32>) -> (tensor<1x1x?x?xf32>, tensor<1x1x?x?xf32>) {
  // CHECK: nn.max_pool {{.*}} -> tensor<1x1x2x2xf32>
  %0 = nn.max_pool %x {ceil_mode, dilations = array<i64: 1, 1>, kernel_shape = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 3, 3>}
      : (tensor<1x1x4x4xf32>) -> tensor<1x1x?x?xf32>
  // CHECK: nn.average_pool {{.*}} -> tensor<1x1x2x2xf32>
  %1 = nn.average_pool %x {auto_pad = #nn<auto_pad same_lower>, dilations = array<i64: 1, 1>, kernel_shape = array<i64: 3, 3>,
      pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x1x4x4xf32>) -> tensor<1x1x?x?xf32>
  return %0, %1 : tensor<1x1x?x?xf32>, tensor<1x1x?x?xf32>
}

// Starts and ends count from the end when negative, and are clamped.
// CHECK-LABEL: func @slices
func.func @slices(%x: tensor<10x?xf32>) -> (tensor<?x?xf32>, tensor<?x?xf32>) {
  %start = nn.constant dense<-100> : tensor<1xi64>
  %end = nn.constant dense<-3> : tensor<1xi64>
  %two = nn.constant dense<2> : tensor<1xi64>
  %back = nn.constant dense<-3> : tensor<1xi64>
  %far = nn.constant dense<-9223372036854775808> : tensor<1xi64>
  // CHECK: nn.slice {{.*}} -> tensor<4x?xf32>
  %0 = nn.slice %x, %start, %end, %two {axes = array<i64: 0>} : (tensor<10x?xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?xf32>
  // CHECK: nn.slice {{.*}} -> tensor<3x?xf32>
  %1 = nn.slice %x, %end, %far, %back {axes = array<i64: 0>} : (tensor<10x?xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?xf32>
  return %0, %1 : tensor<?x?xf32>, tensor<?x?xf32>
}

// A branch's result has the dims that both regions agree on.
// CHECK-LABEL: func @branches
func.func @branches(%c: tensor<i1>, %x: tensor<2x3xf32>, %y: tensor<2x4xf32>) -> tensor<?x?xf32> {
  // CHECK: nn.if {{.*}} -> tensor<2x?xf32>
  %0 = nn.if %c : (tensor<i1>) -> tensor<?x?xf32> {
    nn.yield %x : tensor<2x3xf32>
  } else {
    nn.yield %y : tensor<2x4xf32>
  }
  return %0 : tensor<?x?xf32>
}

// A carried dim that the body keeps is static; one that grows is not.
// CHECK-LABEL: func @loops
func.func @loops(%x: tensor<1x4xf32>) -> (tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?x?xf32>) {
  %n = nn.constant dense<5> : tensor<i64>
  // CHECK: nn.loop {{.*}} -> (tensor<1x4xf32>, tensor<?x4xf32>, tensor<5x1x4xf32>)
  %0:3 = nn.loop trip_count(%n : tensor<i64>) (%x, %x) : (tensor<1x4xf32>, tensor<1x4xf32>) -> (tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?x?xf32>) {
  // CHECK: %{{.*}}: tensor<1x4xf32>, %{{.*}}: tensor<?x4xf32>):
  ^bb0(%i: tensor<i64>, %go: tensor<i1>, %kept: tensor<?x?xf32>, %grown: tensor<?x?xf32>):
    %1 = nn.relu %kept : (tensor<?x?xf32>) -> tensor<?x?xf32>
    %2 = nn.concat %grown, %1 {axis = 0 : i64} : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
    nn.yield %go, %1, %2, %1 : tensor<i1>, tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>
  }
  return %0#0, %0#1, %0#2 : tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?x?xf32>
}
