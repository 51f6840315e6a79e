// Gradients are brought together in buckets, which begin as soon as they are there.
// RUN: sinter-opt %s --pass-pipeline='builtin.module(func.func(nn-bucket-all-reduce{bytes=48}))' | FileCheck %s
// RUN: sinter-opt %s --pass-pipeline='builtin.module(func.func(nn-bucket-all-reduce{bytes=48},nn-fuse))' | FileCheck %s --check-prefix=FUSED

// %c and %b, 48 bytes, come first, whatever the order of the ops that bring them together; %a is a bucket by
// itself, and needs no concatenation. All are waited for where the first of them is read.
// CHECK-LABEL: func.func @step
// CHECK-SAME: %[[X:[^:]*]]: tensor<2x4xf32>
// CHECK: %[[C:.*]] = nn.tanh %[[X]]
// CHECK-NEXT: %[[B:.*]] = nn.reduce %[[C]]
// CHECK: %[[FLATC:.*]] = nn.reshape %[[C]], %{{.*}} -> tensor<8xf32>
// CHECK: %[[FLATB:.*]] = nn.reshape %[[B]], %{{.*}} -> tensor<4xf32>
// CHECK: %[[BOTH:.*]] = nn.concat %[[FLATC]], %[[FLATB]]
// CHECK: %[[FIRST:.*]] = nn.all_reduce_begin %[[BOTH]] : (tensor<12xf32>)
// CHECK: %[[A:.*]] = nn.exp %[[C]]
// CHECK-NEXT: %[[SECOND:.*]] = nn.all_reduce_begin %[[A]] : (tensor<2x4xf32>)
// CHECK-NOT: nn.all_reduce_end
// CHECK: nn.matmul %[[A]]
// CHECK: %[[MEANA:.*]] = nn.all_reduce_end %[[SECOND]]
// CHECK: nn.sub %{{.*}}, %[[MEANA]]
// CHECK: %[[MEAN:.*]] = nn.all_reduce_end %[[FIRST]]
// CHECK: %[[PARTC:.*]] = nn.slice %[[MEAN]]
// CHECK: %[[MEANC:.*]] = nn.reshape %[[PARTC]], %{{.*}} -> tensor<2x4xf32>
// CHECK: nn.slice %[[MEAN]]
// CHECK: nn.sub %{{.*}}, %[[MEANC]]
// An update comes early, but not the wait for other processes.
// FUSED-LABEL: func.func @step
// FUSED: nn.all_reduce_begin
// FUSED: nn.all_reduce_begin
// FUSED: nn.matmul
// FUSED: nn.matmul
// FUSED: nn.matmul
// FUSED: nn.all_reduce_end
func.func @step(%x: tensor<2x4xf32>, %p: tensor<2x4xf32>, %q: tensor<4xf32>, %m: tensor<4x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, tensor<4xf32>) {
  %c = nn.tanh %x : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %b = nn.reduce %c {axes = array<i64: 0>, keepdims = false, kind = #nn<reduce_kind sum>} : (tensor<2x4xf32>) -> tensor<4xf32>
  %a = nn.exp %c : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %s0 = nn.matmul %a, %m : (tensor<2x4xf32>, tensor<4x4xf32>) -> tensor<2x4xf32>
  %s1 = nn.matmul %s0, %m : (tensor<2x4xf32>, tensor<4x4xf32>) -> tensor<2x4xf32>
  %s = nn.matmul %s1, %m : (tensor<2x4xf32>, tensor<4x4xf32>) -> tensor<2x4xf32>
  %0 = nn.all_reduce %a : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %1 = nn.all_reduce %b : (tensor<4xf32>) -> tensor<4xf32>
  %2 = nn.all_reduce %c : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %3 = nn.sub %p, %0 : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %4 = nn.sub %p, %2 : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %5 = nn.sub %q, %1 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %s, %3, %4, %5 : tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, tensor<4xf32>
}

// What the backward pass itself waits for begins and ends by itself.
// CHECK-LABEL: func.func @normalized
// CHECK: %[[MEAN:.*]] = nn.reduce
// CHECK-NEXT: %[[BEGUN:.*]] = nn.all_reduce_begin %[[MEAN]]
// CHECK-NEXT: %[[ENDED:.*]] = nn.all_reduce_end %[[BEGUN]]
// CHECK-NEXT: %[[Y:.*]] = nn.sub %{{.*}}, %[[ENDED]]
// CHECK-NEXT: nn.all_reduce_begin %[[Y]]
func.func @normalized(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %mean = nn.reduce %x {axes = array<i64: 0>, keepdims = true, kind = #nn<reduce_kind mean>} : (tensor<2x4xf32>) -> tensor<1x4xf32>
  %0 = nn.all_reduce %mean : (tensor<1x4xf32>) -> tensor<1x4xf32>
  %y = nn.sub %x, %0 : (tensor<2x4xf32>, tensor<1x4xf32>) -> tensor<2x4xf32>
  %1 = nn.all_reduce %y : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}
