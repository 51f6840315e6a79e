"""conv3x3.py: writes conv3x3.textproto, a 3×3 convolution of 64 channels on a picture of any size, and x.npy."""
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

random = np.random.default_rng(1)
weights = random.standard_normal((64, 64, 3, 3), "float32")
picture = 'dim { dim_value: 1 } dim { dim_value: 64 } dim { dim_param: "h" } dim { dim_param: "w" }'
with open("conv3x3.textproto", "w") as file:
    file.write('ir_version: 8 opset_import { version: 17 } graph { name: "conv3x3"\n'
               '  node { name: "conv" op_type: "Conv" input: "x" input: "w" output: "y"\n'
               '    attribute { name: "pads" type: INTS ints: [1, 1, 1, 1] } }\n'
               '  initializer { name: "w" data_type: 1 dims: 64 dims: 64 dims: 3 dims: 3 float_data: ['
               + ", ".join(map(repr, map(float, weights.ravel()))) + "] }\n")
    for kind, name in [("input", "x"), ("output", "y")]:
        file.write(f'  {kind} {{ name: "{name}" type {{ tensor_type {{ elem_type: 1 shape {{ {picture} }} }} }} }}\n')
    file.write("}\n")
np.save("x.npy", random.standard_normal((1, 64, 37, 50), "float32"))
