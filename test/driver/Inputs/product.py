"""product.py: writes product.textproto, a product of rows, as many as there are, with a 384×576 matrix, and inputs of some numbers
of rows."""
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

random = np.random.default_rng(1)
weights = random.standard_normal((384, 576), "float32")
with open("product.textproto", "w") as file:
    file.write('ir_version: 8 opset_import { version: 17 } graph { name: "product"\n'
               '  node { name: "product" op_type: "MatMul" input: "x" input: "w" output: "p" }\n'
               '  node { name: "relu" op_type: "Relu" input: "p" output: "y" }\n'
               '  initializer { name: "w" data_type: 1 dims: 384 dims: 576 float_data: ['
               + ", ".join(map(repr, map(float, weights.ravel()))) + "] }\n")
    for kind, name, size in [("input", "x", 384), ("output", "y", 576)]:
        file.write(f'  {kind} {{ name: "{name}" type {{ tensor_type {{ elem_type: 1 shape {{ dim {{ dim_value: 2 }} dim {{ dim_param: "m" }} dim {{ dim_value: {size} }} }} }} }} }}\n')
    file.write("}\n")
for rows in [5, 64, 128, 131]:
    np.save(f"x{rows}.npy", random.standard_normal((2, rows, 384), "float32"))
