// Which ops share a kernel.
// RUN: sinter-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(nn-fuse))' | FileCheck %s
// RUN: sinter-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(nn-fuse{elementwise=false}))' | FileCheck %s --check-prefix=ALONE
// RUN: sinter-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(func.func(nn-fuse{remarks=true}))'

// A contraction takes in the elementwise ops that follow it at its shape.
// CHECK-LABEL: @contraction_and_elementwise
// CHECK-SAME: %[[X:.*]]: tensor<4x8xf32>, %[[W:.*]]: tensor<8x16xf32>, %[[B:.*]]: tensor<4x16xf32>
// CHECK: %[[F:.*]] = nn.fused
// CHECK: %[[M:.*]] = nn.matmul %[[X]], %[[W]]
// CHECK: %[[A:.*]] = nn.add %[[M]], %[[B]]
// CHECK: %[[R:.*]] = nn.relu %[[A]]
// CHECK: nn.yield %[[R]]
// CHECK: return %[[F]]
// ALONE-LABEL: @contraction_and_elementwise
// ALONE-COUNT-3: nn.fused
func.func @contraction_and_elementwise(%x: tensor<4x8xf32>, %w: tensor<8x16xf32>, %b: tensor<4x16xf32>) -> tensor<4x16xf32> {
  %0 = nn.matmul %x, %w : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  %1 = nn.add %0, %b : (tensor<4x16xf32>, tensor<4x16xf32>) -> tensor<4x16xf32>
  %2 = nn.relu %1 : (tensor<4x16xf32>) -> tensor<4x16xf32>
  return %2 : tensor<4x16xf32>
}

// -----

// A value that is also wanted outside is a second result of the group.
// CHECK-LABEL: @two_results
// CHECK: %[[F:.*]]:2 = nn.fused
// CHECK: nn.yield
// CHECK-NOT: nn.fused
// CHECK: return %[[F]]#0, %[[F]]#1
func.func @two_results(%x: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %0 = nn.exp %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = nn.neg %0 : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %0, %1 : tensor<4x8xf32>, tensor<4x8xf32>
}

// -----

// An operand that only moves elements, for this group alone, is read in place.
// CHECK-LABEL: @producer_is_absorbed
// CHECK: nn.fused
// CHECK: nn.transpose
// CHECK: nn.add
// CHECK-NOT: nn.fused
func.func @producer_is_absorbed(%x: tensor<4x8xf32>, %y: tensor<8x4xf32>) -> tensor<4x8xf32> {
  %0 = nn.transpose %y {permutation = array<i64: 1, 0>} : (tensor<8x4xf32>) -> tensor<4x8xf32>
  %1 = nn.add %x, %0 : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// -----

// Equal dynamic dims are known by their name.
// CHECK-LABEL: @dynamic
// CHECK: nn.fused
// CHECK: nn.exp
// CHECK: nn.add
// CHECK-NOT: nn.fused
func.func @dynamic(%x: tensor<?x8xf32> {nn.dims = ["batch", ""]}, %y: tensor<?x8xf32> {nn.dims = ["batch", ""]}) -> tensor<?x8xf32> {
  %0 = nn.exp %x : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %1 = nn.add %0, %y : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %1 : tensor<?x8xf32>
}

// -----

// Refused: the shapes differ.
// CHECK-LABEL: @shapes_differ
// CHECK-COUNT-2: nn.fused
func.func @shapes_differ(%x: tensor<8xf32>, %y: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = nn.exp %x : (tensor<8xf32>) -> tensor<8xf32>
  // expected-remark @+1 {{not fused with nn.exp: the shapes differ}}
  %1 = nn.add %0, %y : (tensor<8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// -----

// Refused: the other operand needs the group, so one kernel would have to wait for itself.
// CHECK-LABEL: @through_an_outsider
// CHECK: nn.fused
// CHECK-NEXT: nn.exp
// CHECK-NEXT: nn.yield
// CHECK: nn.cumulative
// CHECK: nn.fused
// CHECK-NEXT: nn.add
// CHECK-NEXT: nn.yield
func.func @through_an_outsider(%x: tensor<8x8xf32>) -> (tensor<8x8xf32>, tensor<8x8xf32>) {
  %0 = nn.exp %x : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %1 = nn.cumulative %0 {axis = 1 : i64, kind = #nn<cumulative_kind sum>} : (tensor<8x8xf32>) -> tensor<8x8xf32>
  // expected-remark @+1 {{not fused with nn.exp: another operand depends on the group}}
  %2 = nn.add %0, %1 : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  return %0, %2 : tensor<8x8xf32>, tensor<8x8xf32>
}

// -----

// Views and opaque ops stay outside.
// CHECK-LABEL: @views_and_opaque
// CHECK-NOT: nn.fused
func.func @views_and_opaque(%x: tensor<4x8xf32>) -> tensor<32xf32> {
  %0 = nn.flatten %x {axis = 0 : i64} : (tensor<4x8xf32>) -> tensor<1x32xf32>
  %1 = nn.cumulative %0 {axis = 1 : i64, kind = #nn<cumulative_kind sum>} : (tensor<1x32xf32>) -> tensor<1x32xf32>
  %2 = nn.squeeze %1 {axes = array<i64: 0>} : (tensor<1x32xf32>) -> tensor<32xf32>
  return %2 : tensor<32xf32>
}

// -----

// A branch's ops are grouped among themselves.
// CHECK-LABEL: @inside_a_branch
// CHECK: nn.if
// CHECK: nn.fused
// CHECK: nn.exp
// CHECK: nn.neg
func.func @inside_a_branch(%c: tensor<i1>, %x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = nn.if %c : (tensor<i1>) -> tensor<8xf32> {
    %1 = nn.exp %x : (tensor<8xf32>) -> tensor<8xf32>
    %2 = nn.neg %1 : (tensor<8xf32>) -> tensor<8xf32>
    nn.yield %2 : tensor<8xf32>
  } else {
    nn.yield %x : tensor<8xf32>
  }
  return %0 : tensor<8xf32>
}

// -----

// Integers that follow from sizes are no kernel: the host computes them.
// CHECK-LABEL: func @shape_arithmetic
// CHECK: nn.shape_of
// CHECK-NEXT: nn.gather
// CHECK-NEXT: nn.unsqueeze
// CHECK-NEXT: nn.concat
// CHECK-NEXT: nn.reshape
// CHECK-NEXT: nn.fused
// CHECK-NEXT: nn.relu
func.func @shape_arithmetic(%x: tensor<?x?x6xf32>) -> tensor<?x?x2x3xf32> {
  %zero = nn.constant dense<0> : tensor<i64>
  %minus = nn.constant dense<-1> : tensor<1xi64>
  %two = nn.constant dense<2> : tensor<1xi64>
  %three = nn.constant dense<3> : tensor<1xi64>
  %0 = nn.shape_of %x {end = 3 : i64, start = 0 : i64} : (tensor<?x?x6xf32>) -> tensor<3xi64>
  %1 = nn.gather %0, %zero {axis = 0 : i64} : (tensor<3xi64>, tensor<i64>) -> tensor<i64>
  %2 = nn.unsqueeze %1 {axes = array<i64: 0>} : (tensor<i64>) -> tensor<1xi64>
  %3 = nn.concat %2, %minus, %two, %three {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xi64>
  %4 = nn.reshape %x, %3 : (tensor<?x?x6xf32>, tensor<4xi64>) -> tensor<?x?x2x3xf32>
  %5 = nn.relu %4 : (tensor<?x?x2x3xf32>) -> tensor<?x?x2x3xf32>
  return %5 : tensor<?x?x2x3xf32>
}

// What a step of an LSTM does behind its product is one kernel with two results.
// CHECK-LABEL: func @gates
// CHECK: nn.fused : tensor<4x8xf32>, tensor<4x8xf32> {
// CHECK-NOT: nn.fused
func.func @gates(%i: tensor<4x8xf32>, %o: tensor<4x8xf32>, %c: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %0 = nn.sigmoid %i : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = nn.mul %0, %c : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %2 = nn.tanh %1 : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %3 = nn.sigmoid %o : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %4 = nn.mul %3, %2 : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %4, %1 : tensor<4x8xf32>, tensor<4x8xf32>
}

// Two maps stay apart where one waits for a product of the other.
// CHECK-LABEL: func @between
// CHECK: nn.fused
// CHECK: nn.tanh
// CHECK: nn.fused
// CHECK: nn.matmul
// CHECK-NEXT: nn.add
func.func @between(%x: tensor<8x8xf32>) -> (tensor<8x8xf32>, tensor<8x8xf32>) {
  %0 = nn.tanh %x : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %1 = nn.matmul %0, %0 : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %2 = nn.add %0, %1 : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  return %2, %0 : tensor<8x8xf32>, tensor<8x8xf32>
}

// A zero point is data, few as its integers are.
// CHECK-LABEL: func @zero_point
// CHECK: nn.fused
// CHECK-NEXT: nn.cast {{.*}} : (tensor<ui8>) -> tensor<i32>
func.func @zero_point(%z: tensor<ui8>) -> tensor<i32> {
  %0 = nn.cast %z {to = i32} : (tensor<ui8>) -> tensor<i32>
  return %0 : tensor<i32>
}

// -----

// Attention is one group: transposes, both products, the scale and the mask between them.
// CHECK-LABEL: @attention
// CHECK: %[[F:.*]] = nn.fused : tensor<?x?x2x16xf32>
// CHECK-COUNT-3: nn.transpose
// CHECK: nn.matmul
// CHECK: nn.mul
// CHECK: nn.add
// CHECK: nn.softmax
// CHECK: nn.matmul
// CHECK: %[[R:.*]] = nn.transpose
// CHECK: nn.yield %[[R]]
// CHECK-NOT: nn.fused
// CHECK: return %[[F]]
func.func @attention(%q: tensor<?x?x2x16xf32> {nn.dims = ["b", "s", "", ""]}, %k: tensor<?x?x2x16xf32> {nn.dims = ["b", "s", "", ""]},
    %v: tensor<?x?x2x16xf32> {nn.dims = ["b", "s", "", ""]}, %mask: tensor<?x1x1x?xf32> {nn.dims = ["b", "", "", "s"]}) -> tensor<?x?x2x16xf32> {
  %scale = nn.constant dense<0.25> : tensor<f32>
  %0 = nn.transpose %q {permutation = array<i64: 0, 2, 1, 3>} : (tensor<?x?x2x16xf32>) -> tensor<?x2x?x16xf32>
  %1 = nn.transpose %k {permutation = array<i64: 0, 2, 3, 1>} : (tensor<?x?x2x16xf32>) -> tensor<?x2x16x?xf32>
  %2 = nn.transpose %v {permutation = array<i64: 0, 2, 1, 3>} : (tensor<?x?x2x16xf32>) -> tensor<?x2x?x16xf32>
  %3 = nn.matmul %0, %1 : (tensor<?x2x?x16xf32>, tensor<?x2x16x?xf32>) -> tensor<?x2x?x?xf32>
  %4 = nn.mul %3, %scale : (tensor<?x2x?x?xf32>, tensor<f32>) -> tensor<?x2x?x?xf32>
  %5 = nn.add %4, %mask : (tensor<?x2x?x?xf32>, tensor<?x1x1x?xf32>) -> tensor<?x2x?x?xf32>
  %6 = nn.softmax %5 {axes = array<i64: 3>} : (tensor<?x2x?x?xf32>) -> tensor<?x2x?x?xf32>
  %7 = nn.matmul %6, %2 : (tensor<?x2x?x?xf32>, tensor<?x2x?x16xf32>) -> tensor<?x2x?x16xf32>
  %8 = nn.transpose %7 {permutation = array<i64: 0, 2, 1, 3>} : (tensor<?x2x?x16xf32>) -> tensor<?x?x2x16xf32>
  return %8 : tensor<?x?x2x16xf32>
}

// -----

// Refused: the weights are wanted, one row has nothing to share, or heads do not divide into vectors.
// CHECK-LABEL: @not_attention
// CHECK-COUNT-9: nn.fused
func.func @not_attention(%q: tensor<2x9x16xf32>, %k: tensor<2x16x9xf32>, %v: tensor<2x9x16xf32>, %row: tensor<2x1x16xf32>,
    %odd: tensor<2x9x15xf32>) -> (tensor<2x9x16xf32>, tensor<2x9x9xf32>, tensor<2x1x16xf32>, tensor<2x9x15xf32>) {
  %0 = nn.matmul %q, %k : (tensor<2x9x16xf32>, tensor<2x16x9xf32>) -> tensor<2x9x9xf32>
  %1 = nn.softmax %0 {axes = array<i64: 2>} : (tensor<2x9x9xf32>) -> tensor<2x9x9xf32>
  %2 = nn.matmul %1, %v : (tensor<2x9x9xf32>, tensor<2x9x16xf32>) -> tensor<2x9x16xf32>
  %3 = nn.matmul %row, %k : (tensor<2x1x16xf32>, tensor<2x16x9xf32>) -> tensor<2x1x9xf32>
  %4 = nn.softmax %3 {axes = array<i64: 2>} : (tensor<2x1x9xf32>) -> tensor<2x1x9xf32>
  %5 = nn.matmul %4, %v : (tensor<2x1x9xf32>, tensor<2x9x16xf32>) -> tensor<2x1x16xf32>
  %6 = nn.matmul %q, %k : (tensor<2x9x16xf32>, tensor<2x16x9xf32>) -> tensor<2x9x9xf32>
  %7 = nn.softmax %6 {axes = array<i64: 2>} : (tensor<2x9x9xf32>) -> tensor<2x9x9xf32>
  %8 = nn.matmul %7, %odd : (tensor<2x9x9xf32>, tensor<2x9x15xf32>) -> tensor<2x9x15xf32>
  return %2, %1, %5, %8 : tensor<2x9x16xf32>, tensor<2x9x9xf32>, tensor<2x1x16xf32>, tensor<2x9x15xf32>
}
