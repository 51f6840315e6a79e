"""conv3x3.py [pool]: writes conv3x3.textproto, a 3×3 convolution of 64 channels on a picture of any size, perhaps with the
greatest of each 2×2 of its results, and x.npy."""
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import sys

import numpy as np

pool = sys.argv[1:] == ["pool"]
random = np.random.default_rng(1)
weights = random.standard_normal((64, 64, 3, 3), "float32")
picture = 'dim { dim_value: 1 } dim { dim_value: 64 } dim { dim_param: "h" } dim { dim_param: "w" }'
pooled = 'dim { dim_value: 1 } dim { dim_value: 64 } dim { } dim { }'
with open("conv3x3.textproto", "w") as file:
    file.write('ir_version: 8 opset_import { version: 17 } graph { name: "conv3x3"\n'
               f'  node {{ name: "conv" op_type: "Conv" input: "x" input: "w" output: "{"sums" if pool else "y"}"\n'
               '    attribute { name: "pads" type: INTS ints: [1, 1, 1, 1] } }\n'
               + ('  node { name: "pool" op_type: "MaxPool" input: "sums" output: "y"\n'
                  '    attribute { name: "kernel_shape" type: INTS ints: [2, 2] }\n'
                  '    attribute { name: "strides" type: INTS ints: [2, 2] } }\n' if pool else "") +
               '  initializer { name: "w" data_type: 1 dims: 64 dims: 64 dims: 3 dims: 3 float_data: ['
               + ", ".join(map(repr, map(float, weights.ravel()))) + "] }\n")
    for kind, name, dims in [("input", "x", picture), ("output", "y", pooled if pool else picture)]:
        file.write(f'  {kind} {{ name: "{name}" type {{ tensor_type {{ elem_type: 1 shape {{ {dims} }} }} }} }}\n')
    file.write("}\n")
np.save("x.npy", random.standard_normal((1, 64, 37, 50), "float32"))
