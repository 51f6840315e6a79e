// Activations of the first segments are computed again before the backward pass reads them.
// RUN: sinter-opt %s --pass-pipeline='builtin.module(func.func(nn-recompute{segments=2}))' | FileCheck %s

// The cut is between %b and %c: %b is kept, %a is computed again, where it is first read; the
// last segment is kept.
// CHECK-LABEL: func.func @step
// CHECK-SAME: %[[X:[^:]*]]: tensor<8x16xf32>
// CHECK: %[[A:.*]] = nn.tanh %[[X]]
// CHECK: %[[B:.*]] = nn.exp %[[A]]
// CHECK: %[[C:.*]] = nn.sin %[[B]]
// CHECK: %[[D:.*]] = nn.cos %[[C]]
// CHECK: nn.mul %[[D]], %[[D]]
// CHECK: nn.mul %{{.*}}, %[[C]]
// CHECK: nn.mul %{{.*}}, %[[B]]
// CHECK: %[[AGAIN:.*]] = nn.tanh %[[X]] {nn.recomputed}
// CHECK-NEXT: nn.mul %{{.*}}, %[[AGAIN]]
// CHECK-NOT: nn.recomputed
func.func @step(%x: tensor<8x16xf32>, %p: tensor<8x16xf32> {nn.state = "parameter"}) -> (tensor<f32>, tensor<8x16xf32> {nn.state = "parameter"}) {
  %a = nn.tanh %x : (tensor<8x16xf32>) -> tensor<8x16xf32>
  %b = nn.exp %a : (tensor<8x16xf32>) -> tensor<8x16xf32>
  %c = nn.sin %b : (tensor<8x16xf32>) -> tensor<8x16xf32>
  %d = nn.cos %c : (tensor<8x16xf32>) -> tensor<8x16xf32>
  %loss = nn.reduce %d {axes = array<i64: 0, 1>, keepdims = false, kind = #nn<reduce_kind sum>} : (tensor<8x16xf32>) -> tensor<f32>
  %0 = nn.mul %d, %d : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
  %1 = nn.mul %0, %c : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
  %2 = nn.mul %1, %b : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
  %3 = nn.mul %2, %a : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
  %next = nn.add %3, %p : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
  return %loss, %next : tensor<f32>, tensor<8x16xf32>
}

// What has no state is no training step.
// CHECK-LABEL: func.func @inference
// CHECK-NOT: nn.recomputed
func.func @inference(%x: tensor<8x16xf32>) -> tensor<8x16xf32> {
  %a = nn.tanh %x : (tensor<8x16xf32>) -> tensor<8x16xf32>
  %b = nn.exp %a : (tensor<8x16xf32>) -> tensor<8x16xf32>
  %c = nn.mul %a, %b : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
  return %c : tensor<8x16xf32>
}
