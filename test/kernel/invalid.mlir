// What the verifiers of the kernel dialect reject.
// RUN: sinter-opt %s -split-input-file -verify-diagnostics

func.func @undefined(%x: tensor<4xf32>) {
  // expected-error @+1 {{calls @nowhere, which is not defined}}
  %0 = kernel.call @nowhere(%x) outs(%x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

kernel.func @k(%x: tensor<4xf32>) -> tensor<4xf32> {
  kernel.yield %x : tensor<4xf32>
}
func.func @input(%x: tensor<5xf32>, %y: tensor<4xf32>) {
  // expected-error @+1 {{input 0 is 'tensor<5xf32>', but @k takes 'tensor<4xf32>'}}
  %0 = kernel.call @k(%x) outs(%y) : (tensor<5xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @elements(%x: tensor<4xf32>) {
  // expected-error @+1 {{makes 5 elements of 4}}
  %0 = kernel.view %x : tensor<4xf32> to tensor<5xf32>
  return
}

// -----

func.func @sizes(%x: tensor<4xf32>, %n: index) {
  // expected-error @+1 {{has 1 sizes for 2 dynamic dimensions}}
  %0 = kernel.view %x[%n] : tensor<4xf32> to tensor<?x?xf32>
  return
}

// -----

func.func @part(%x: tensor<4xf32>, %n: index) {
  // expected-error @+1 {{takes 5 elements of 4}}
  %0 = kernel.part %x at %n : tensor<4xf32> to tensor<5xf32>
  return
}

// -----

func.func @type(%x: tensor<4xf32>) {
  // expected-error @+1 {{changes the element type from 'f32' to 'i32'}}
  %0 = kernel.view %x : tensor<4xf32> to tensor<4xi32>
  return
}

// -----

kernel.func @yields(%x: tensor<4xf32>) -> tensor<5xf32> {
  // expected-error @+1 {{yields other types than the kernel's results}}
  kernel.yield %x : tensor<4xf32>
}

// -----

#id = affine_map<(d0) -> (d0)>
kernel.func @loops(%x: tensor<4xf32>) -> tensor<4xf32> {
  %empty = tensor.empty() : tensor<4xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<4xf32>) outs(%empty : tensor<4xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  } -> tensor<4xf32>
  kernel.yield %0 : tensor<4xf32>
} schedule {
  %s = kernel.stages
  // expected-error @+1 {{names loop 'd7', but the loops here are}}
  kernel.vectorize %s d7
}

// -----

#id = affine_map<(d0) -> (d0)>
kernel.func @stages(%x: tensor<4xf32>) -> tensor<4xf32> {
  %empty = tensor.empty() : tensor<4xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<4xf32>) outs(%empty : tensor<4xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  } -> tensor<4xf32>
  kernel.yield %0 : tensor<4xf32>
} schedule {
  // expected-error @+1 {{names 2 stages, but the algorithm has 1}}
  %s:2 = kernel.stages
}

// -----

#id = affine_map<(d0) -> (d0)>
kernel.func @blocks(%x: tensor<4xf32>) -> tensor<4xf32> {
  %empty = tensor.empty() : tensor<4xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<4xf32>) outs(%empty : tensor<4xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  } -> tensor<4xf32>
  kernel.yield %0 : tensor<4xf32>
} schedule {
  %s = kernel.stages
  // expected-error @+1 {{needs one to three loops}}
  kernel.gpu_threads %s []
}

// -----

#id = affine_map<(d0) -> (d0)>
kernel.func @versions(%x: tensor<4xf32>) -> tensor<4xf32> {
  %empty = tensor.empty() : tensor<4xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<4xf32>) outs(%empty : tensor<4xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  } -> tensor<4xf32>
  kernel.yield %0 : tensor<4xf32>
} schedule {
  %s = kernel.stages
  // expected-error @+1 {{needs one cost for each version}}
  kernel.versions %s [{d0 = 2}, {d0 = 1}] cost [3]
}

// -----

#id = affine_map<(d0) -> (d0)>
kernel.func @factors(%x: tensor<4xf32>) -> tensor<4xf32> {
  %empty = tensor.empty() : tensor<4xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<4xf32>) outs(%empty : tensor<4xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  } -> tensor<4xf32>
  kernel.yield %0 : tensor<4xf32>
} schedule {
  %s = kernel.stages
  // expected-error @+1 {{factors and parts are positive numbers}}
  kernel.versions %s [{d0 = 0}] cost [3]
}

// -----

#id = affine_map<(d0) -> (d0)>
kernel.func @costs(%x: tensor<4xf32>) -> tensor<4xf32> {
  %empty = tensor.empty() : tensor<4xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<4xf32>) outs(%empty : tensor<4xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  } -> tensor<4xf32>
  kernel.yield %0 : tensor<4xf32>
} schedule {
  %s = kernel.stages
  // expected-error @+1 {{costs are positive}}
  kernel.versions %s [{d0 = 1}] cost [0]
}

// -----

#id = affine_map<(d0) -> (d0)>
kernel.func @even(%x: tensor<4xf32>) -> tensor<4xf32> {
  %empty = tensor.empty() : tensor<4xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<4xf32>) outs(%empty : tensor<4xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  } -> tensor<4xf32>
  kernel.yield %0 : tensor<4xf32>
} schedule {
  %s = kernel.stages
  // expected-error @+1 {{parts of at most 6 can't be multiples of 4}}
  kernel.split %s d0 by 6 even 4 -> o, i
}
