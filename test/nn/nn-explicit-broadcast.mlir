// No broadcast is left for run time to decide.
// RUN: sinter-opt %s --nn-explicit-broadcast --nn-simplify | FileCheck %s

// Dims of one name are one size.
// CHECK-LABEL: func @same_name
// CHECK-NOT: nn.expand
func.func @same_name(%x: tensor<?x4xf32> {nn.dims = ["n", ""]}, %y: tensor<?x4xf32> {nn.dims = ["n", ""]}) -> tensor<?x4xf32> {
  %0 = nn.add %x, %y : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// Nothing is known of two dims: both operands are expanded.
// CHECK-LABEL: func @unknown
// CHECK-SAME: (%[[X:.*]]: tensor<?x4xf32>, %[[Y:.*]]: tensor<?x4xf32>)
// CHECK-DAG: %[[SX:.*]] = nn.shape_of %[[X]]
// CHECK-DAG: %[[SY:.*]] = nn.shape_of %[[Y]]
// CHECK-DAG: %[[A:.*]] = nn.expand %[[X]], %[[SY]]
// CHECK-DAG: %[[B:.*]] = nn.expand %[[Y]], %[[SX]]
// CHECK: nn.add %[[A]], %[[B]]
func.func @unknown(%x: tensor<?x4xf32>, %y: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = nn.add %x, %y : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// A dim that the result tells needs no other operand.
// CHECK-LABEL: func @static_result
// CHECK: %[[SHAPE:.*]] = nn.constant dense<8> : tensor<1xi64>
// CHECK: nn.expand %{{.*}}, %[[SHAPE]] : (tensor<?xf32>, tensor<1xi64>) -> tensor<8xf32>
func.func @static_result(%x: tensor<2x8xf32>, %y: tensor<?xf32>) -> tensor<2x8xf32> {
  %0 = nn.mul %x, %y : (tensor<2x8xf32>, tensor<?xf32>) -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// What a loop carries keeps the size of its initial value.
// CHECK-LABEL: func @carried
// CHECK-NOT: nn.expand
func.func @carried(%n: tensor<i64>, %x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = nn.loop trip_count(%n : tensor<i64>) (%x) : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%i: tensor<i64>, %go: tensor<i1>, %s: tensor<?x4xf32>):
    %1 = nn.add %s, %x : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
    nn.yield %go, %1 : tensor<i1>, tensor<?x4xf32>
  }
  return %0 : tensor<?x4xf32>
}
