// What the verifiers of the nn dialect reject.
// RUN: sinter-opt %s -split-input-file -verify-diagnostics

func.func @broadcast(%x: tensor<4xf32>, %y: tensor<3xf32>) {
  // expected-error @+2 {{dims 4 and 3 can't be broadcast together}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.add %x, %y : (tensor<4xf32>, tensor<3xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @result(%x: tensor<4xf32>) {
  // expected-error @+2 {{incompatible with return type(s)}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.relu %x : (tensor<4xf32>) -> tensor<5xf32>
  return
}

// -----

func.func @matmul(%x: tensor<4x5xf32>, %y: tensor<6x7xf32>) {
  // expected-error @+2 {{(4x5) has 5 columns}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.matmul %x, %y : (tensor<4x5xf32>, tensor<6x7xf32>) -> tensor<4x7xf32>
  return
}

// -----

func.func @element(%x: tensor<4xf32>) {
  // expected-error @+1 {{operand #0 must be}}
  %0 = nn.not %x : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @unranked(%x: tensor<*xf32>) {
  // expected-error @+1 {{operand #0 must be}}
  %0 = nn.relu %x : (tensor<*xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @attribute(%x: tensor<4xf32>) {
  // expected-error @+1 {{requires attribute 'axes'}}
  %0 = nn.softmax %x : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @permutation(%x: tensor<4x2xf32>) {
  // expected-error @+2 {{permutation}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.transpose %x {permutation = array<i64: 0, 0>} : (tensor<4x2xf32>) -> tensor<4x4xf32>
  return
}

// -----

func.func @condition(%c: tensor<2xi1>, %x: tensor<4xf32>) {
  // expected-error @+1 {{condition should have one element, but is}}
  %0 = nn.if %c : (tensor<2xi1>) -> tensor<4xf32> {
    nn.yield %x : tensor<4xf32>
  } else {
    nn.yield %x : tensor<4xf32>
  }
  return
}

// -----

func.func @branches(%c: tensor<i1>, %x: tensor<4xf32>) {
  // expected-error @+1 {{'nn.if' op}}
  %0 = nn.if %c : (tensor<i1>) -> tensor<4xf32> {
    nn.yield %x : tensor<4xf32>
  } else {
    nn.yield
  }
  return
}

// -----

func.func @loop(%x: tensor<4xf32>) {
  // expected-error @+1 {{'nn.loop' op body}}
  %0 = nn.loop (%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%i: tensor<i64>, %go: tensor<i1>):
    nn.yield %go, %x : tensor<i1>, tensor<4xf32>
  }
  return
}

// -----

func.func @gradient_without_outputs(%x: tensor<4xf32>) {
  // expected-error @+1 {{has no outputs to differentiate}}
  %0 = "nn.gradient"(%x) {operandSegmentSizes = array<i32: 0, 0, 1>} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @gradient_type(%x: tensor<4xf32>, %y: tensor<f32>) {
  // expected-error @+1 {{the list of results gives 'tensor<5xf32>' as value 0, expected 'tensor<4xf32>'}}
  %0 = nn.gradient %y by %x : tensor<f32> by tensor<4xf32> -> tensor<5xf32>
  return
}

// -----

func.func @gradient_cotangents(%x: tensor<4xf32>, %y: tensor<f32>) {
  // expected-error @+1 {{the list of cotangents gives 2 values, expected 1}}
  %0 = nn.gradient %y seeded(%y, %y : tensor<f32>, tensor<f32>) by %x : tensor<f32> by tensor<4xf32> -> tensor<4xf32>
  return
}
