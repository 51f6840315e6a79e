// Shapes that can't be are refused, with the operand, what is given and what was expected.
// RUN: sinter-opt %s --split-input-file --verify-diagnostics

func.func @broadcast(%x: tensor<3xf32>, %y: tensor<4xf32>) {
  // expected-error @+2 {{dims 3 and 4 can't be broadcast together}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.add %x, %y : (tensor<3xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @result_type(%x: tensor<3xf32>) {
  // expected-error @+2 {{inferred type(s) 'tensor<3xf32>' are incompatible with return type(s) of operation 'tensor<4xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.relu %x : (tensor<3xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @conv_channels(%x: tensor<1x3x8x8xf32>, %w: tensor<8x4x3x3xf32>) {
  // expected-error @+2 {{conv: input has 3 channels, filter expects 4 × group 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.conv %x, %w {dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>}
      : (tensor<1x3x8x8xf32>, tensor<8x4x3x3xf32>) -> tensor<1x8x6x6xf32>
  return
}

// -----

func.func @conv_window(%x: tensor<1x3x2x8xf32>, %w: tensor<8x3x3x3xf32>) {
  // expected-error @+2 {{conv: the window of 3 elements along spatial dim 0 is wider than the padded input of 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.conv %x, %w {dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>}
      : (tensor<1x3x2x8xf32>, tensor<8x3x3x3xf32>) -> tensor<1x8x?x6xf32>
  return
}

// -----

func.func @conv_strides(%x: tensor<1x3x8x8xf32>, %w: tensor<8x3x3x3xf32>) {
  // expected-error @+2 {{conv: attribute 'strides' has 1 entries, expected 2 for 2 spatial dims}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.conv %x, %w {dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1>}
      : (tensor<1x3x8x8xf32>, tensor<8x3x3x3xf32>) -> tensor<1x8x6x6xf32>
  return
}

// -----

func.func @matmul(%x: tensor<2x3xf32>, %y: tensor<4x5xf32>) {
  // expected-error @+2 {{matmul: operand 'lhs' (2x3) has 3 columns, operand 'rhs' (4x5) has 4 rows}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.matmul %x, %y : (tensor<2x3xf32>, tensor<4x5xf32>) -> tensor<2x5xf32>
  return
}

// -----

func.func @reshape(%x: tensor<2x3xf32>) {
  %shape = nn.constant dense<[4, 2]> : tensor<2xi64>
  // expected-error @+2 {{reshape: operand 'input' (2x3) has 6 elements, the target shape (4x2) 8}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.reshape %x, %shape : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<4x2xf32>
  return
}

// -----

func.func @reshape_remainder(%x: tensor<2x3xf32>) {
  %shape = nn.constant dense<[4, -1]> : tensor<2xi64>
  // expected-error @+2 {{reshape: the 6 elements of operand 'input' (2x3) don't divide into 4x-1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.reshape %x, %shape : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<4x?xf32>
  return
}

// -----

func.func @concat(%x: tensor<2x3xf32>, %y: tensor<2x4xf32>) {
  // expected-error @+2 {{concat: dim 1 of input 1 is 4, of input 0 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.concat %x, %y {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<4x3xf32>
  return
}

// -----

func.func @gather_axis(%x: tensor<2x3xf32>, %i: tensor<i64>) {
  // expected-error @+2 {{gather: axis 2 is out of range for rank 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.gather %x, %i {axis = 2 : i64} : (tensor<2x3xf32>, tensor<i64>) -> tensor<2xf32>
  return
}

// -----

func.func @if_yields(%c: tensor<i1>, %x: tensor<4xf32>, %y: tensor<5xf32>) {
  // expected-error @+1 {{the second region gives 'tensor<5xf32>' as value 0, expected 'tensor<4xf32>'}}
  %0 = nn.if %c : (tensor<i1>) -> tensor<4xf32> {
    nn.yield %x : tensor<4xf32>
  } else {
    nn.yield %y : tensor<5xf32>
  }
  return
}

// -----

func.func @loop_arguments(%n: tensor<i64>, %x: tensor<4xf32>) {
  // expected-error @+1 {{body has 2 arguments, expected 3: iteration, condition, then the carried values}}
  %0 = nn.loop trip_count(%n : tensor<i64>) (%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%i: tensor<i64>, %go: tensor<i1>):
    nn.yield %go, %x : tensor<i1>, tensor<4xf32>
  }
  return
}

// -----

func.func @resize(%x: tensor<1x1x4x4xf32>) {
  // expected-error @+1 {{expects exactly one of 'scales' and 'sizes'}}
  %0 = "nn.resize"(%x) {aspect_ratio = #nn<aspect_ratio stretch>, axes = array<i64: 2, 3>, coordinate_mode = #nn<coordinate_mode half_pixel>,
      cubic_coefficient = -7.500000e-01 : f64, extrapolation_value = 0.000000e+00 : f64, mode = #nn<resize_mode nearest>,
      nearest_mode = #nn<nearest_mode floor>, operandSegmentSizes = array<i32: 1, 0, 0, 0>} : (tensor<1x1x4x4xf32>) -> tensor<1x1x8x8xf32>
  return
}

// -----

func.func @resize_scales(%x: tensor<1x1x4x4xf32>, %scales: tensor<4xf32>) {
  // expected-error @+2 {{resize: operand 'scales' (4) should have 2 elements, one per axis}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = "nn.resize"(%x, %scales) {aspect_ratio = #nn<aspect_ratio stretch>, axes = array<i64: 2, 3>, coordinate_mode = #nn<coordinate_mode half_pixel>,
      cubic_coefficient = -7.500000e-01 : f64, extrapolation_value = 0.000000e+00 : f64, mode = #nn<resize_mode nearest>,
      nearest_mode = #nn<nearest_mode floor>, operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<1x1x4x4xf32>, tensor<4xf32>) -> tensor<1x1x8x8xf32>
  return
}

// -----

func.func @conv_winograd(%x: tensor<1x8x8x16xf32>, %w: tensor<1x6x6x16x16xf32>) {
  // expected-error @+2 {{conv: transformed filter (1x6x6x16x16) is not of attribute 'winograd' = 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.conv %x, %w {data_layout = #nn<data_layout channels_last>, dilations = array<i64: 1, 1>, filter_block = 16 : i64, out_channels = 16 : i64, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>, winograd = 2 : i64}
      : (tensor<1x8x8x16xf32>, tensor<1x6x6x16x16xf32>) -> tensor<1x8x8x16xf32>
  return
}

// -----

func.func @pool_grad(%x: tensor<1x1x4x4xf32>, %g: tensor<1x1x3x2xf32>) {
  // expected-error @+2 {{max_pool_grad: operand 'cotangent' (1x1x3x2) should be 1x1x2x2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.max_pool_grad %x, %g {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>,
      dilations = array<i64: 1, 1>} : (tensor<1x1x4x4xf32>, tensor<1x1x3x2xf32>) -> tensor<1x1x4x4xf32>
  return
}

// -----

func.func @conv_winograd_stride(%x: tensor<1x8x8x16xf32>, %w: tensor<1x6x6x16x16xf32>) {
  // expected-error @+2 {{conv: attribute 'winograd' is for 3×3 filters of stride 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.conv %x, %w {data_layout = #nn<data_layout channels_last>, dilations = array<i64: 1, 1>, filter_block = 16 : i64, out_channels = 16 : i64, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>, winograd = 4 : i64}
      : (tensor<1x8x8x16xf32>, tensor<1x6x6x16x16xf32>) -> tensor<1x4x4x16xf32>
  return
}

// -----

func.func @sum_pool_grad(%g: tensor<1x1x3x3xf32>) {
  %s = nn.constant dense<[1, 1, 4, 4]> : tensor<4xi64>
  // expected-error @+2 {{sum_pool_grad: operand 'cotangent' (1x1x3x3) should be 1x1x2x2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.sum_pool_grad %g, %s {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>,
      dilations = array<i64: 1, 1>} : (tensor<1x1x3x3xf32>, tensor<4xi64>) -> tensor<1x1x4x4xf32>
  return
}

// -----

func.func @matmul_strassen(%x: tensor<8x64xf32>, %w: tensor<7x2x16x16xf32>) {
  // expected-error @+2 {{matmul: operand 'rhs' (7x2x16x16) should hold Strassen's seven sums of 32 columns in pairs of blocks of 16}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.matmul %x, %w {columns = 32 : i64, rhs_block = 16 : i64, strassen} : (tensor<8x64xf32>, tensor<7x2x16x16xf32>) -> tensor<8x32xf32>
  return
}

// -----

func.func @matmul_strassen_transposed(%x: tensor<64x8xf32>, %w: tensor<7x1x32x16xf32>) {
  // expected-error @+2 {{matmul: 'strassen' reads rows of operand 'lhs', which 'transpose_lhs' takes apart}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.matmul %x, %w {columns = 32 : i64, rhs_block = 16 : i64, strassen, transpose_lhs} : (tensor<64x8xf32>, tensor<7x1x32x16xf32>) -> tensor<8x32xf32>
  return
}

// -----

func.func @matmul_strassen_plain(%x: tensor<8x64xf32>, %w: tensor<64x48xf32>) {
  // expected-error @+2 {{matmul: operand 'rhs' (64x48) should have the rank of 'lhs', rows in pairs and columns in pairs of blocks of 16 for Strassen's algorithm}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.matmul %x, %w {rhs_block = 16 : i64, strassen} : (tensor<8x64xf32>, tensor<64x48xf32>) -> tensor<8x48xf32>
  return
}

// -----

func.func @matmul_factors(%x: tensor<2x3xui8>, %y: tensor<3x5xf32>) {
  // expected-error @+2 {{matmul: factors of two element types that are not both of 8 bits}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.matmul %x, %y : (tensor<2x3xui8>, tensor<3x5xf32>) -> tensor<2x5xi32>
  return
}

// -----

func.func @matmul_fours(%x: tensor<2x8xui8>, %w: tensor<1x2x16x2xi8>) {
  // expected-error @+2 {{matmul: packed operand 'rhs' (1x2x16x2) should hold 5 columns in blocks of 16}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.matmul %x, %w {columns = 5 : i64, rhs_block = 16 : i64} : (tensor<2x8xui8>, tensor<1x2x16x2xi8>) -> tensor<2x5xi32>
  return
}

// -----

func.func @conv_filter_grad(%x: tensor<2x3x8x8xf32>, %g: tensor<3x4x6x6xf32>) {
  // expected-error @+2 {{conv_filter_grad: operand 'cotangent' (3x4x6x6) should have the batch of operand 'input' (2x3x8x8)}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.conv_filter_grad %x, %g {kernel_shape = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>,
      dilations = array<i64: 1, 1>} : (tensor<2x3x8x8xf32>, tensor<3x4x6x6xf32>) -> tensor<4x3x3x3xf32>
  return
}

// -----

func.func @conv_filter_grad_positions(%x: tensor<2x3x8x8xf32>, %g: tensor<2x4x7x6xf32>) {
  // expected-error @+2 {{conv_filter_grad: dim 2 of operand 'cotangent' (2x4x7x6) should be at most 6}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.conv_filter_grad %x, %g {kernel_shape = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>,
      dilations = array<i64: 1, 1>} : (tensor<2x3x8x8xf32>, tensor<2x4x7x6xf32>) -> tensor<4x3x3x3xf32>
  return
}

// -----

func.func @sum_to_shape(%x: tensor<2x3xf32>) {
  %s = nn.constant dense<[2]> : tensor<1xi64>
  // expected-error @+2 {{sum_to_shape: shape 2 doesn't broadcast to operand 'input' (2x3)}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.sum_to_shape %x, %s : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2xf32>
  return
}

// -----

func.func @random_uniform(%k: tensor<4xi64>) {
  %s = nn.constant dense<[2]> : tensor<1xi64>
  // expected-error @+2 {{random_uniform: operand 'key' (4) should have 2 elements, or 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.random_uniform %k, %s {layer = 0 : i64, to = f32} : (tensor<4xi64>, tensor<1xi64>) -> tensor<2xf32>
  return
}
