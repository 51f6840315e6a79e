"""`./dev bench --kernels`: single kernels of the real models, Sinter's against oneDNN's and OpenBLAS's, in one process.

Each shape is one ONNX node with constant weights. Sinter compiles it with --profile, so that its kernel is timed alone, as the
others' are: without the reordering of input and output, which a network does not have between its layers. Google Benchmark
runs all; further arguments go to it (--benchmark_filter=REGEX).
"""

import os
import random
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "test", "bench"))
import wire  # noqa: E402

# model: (n, channels, height = width, filters, window, stride, groups); all padded so that stride 1 keeps the size.
CONVOLUTIONS = {
    "resnet50": [(1, 3, 224, 64, 7, 2, 1), (1, 64, 56, 64, 1, 1, 1), (1, 64, 56, 64, 3, 1, 1), (1, 64, 56, 256, 1, 1, 1),
                 (1, 256, 56, 64, 1, 1, 1), (1, 128, 28, 128, 3, 1, 1), (1, 256, 56, 512, 1, 2, 1),
                 (1, 256, 14, 256, 3, 1, 1), (1, 256, 14, 1024, 1, 1, 1), (1, 512, 7, 512, 3, 1, 1),
                 (1, 2048, 7, 512, 1, 1, 1)],
    "vgg19": [(1, 3, 224, 64, 3, 1, 1), (1, 64, 224, 64, 3, 1, 1), (1, 128, 112, 128, 3, 1, 1), (1, 256, 56, 256, 3, 1, 1),
              (1, 512, 28, 512, 3, 1, 1), (1, 512, 14, 512, 3, 1, 1)],
    "densenet121": [(1, 256, 28, 128, 1, 1, 1), (1, 128, 28, 32, 3, 1, 1), (1, 512, 14, 128, 1, 1, 1)],
    "inception": [(1, 32, 28, 96, 5, 1, 1), (1, 192, 28, 64, 1, 1, 1)],
    "shufflenet": [(1, 136, 28, 136, 3, 1, 136), (1, 272, 14, 272, 3, 1, 272)],
    "mlsd": [(1, 96, 80, 96, 3, 1, 96), (1, 64, 80, 64, 3, 1, 1)],
}
# model: (m, n, k)
PRODUCTS = {
    "square": [(256, 256, 256), (1024, 1024, 1024)],
    "bert_base": [(128, 768, 768), (128, 3072, 768), (128, 768, 3072)],
    "minilm_l6": [(128, 1536, 384), (128, 384, 1536)],
    "gpt2_step": [(1, 3072, 768), (1, 768, 3072)],
    "vector": [(1, 4096, 4096), (4, 4096, 4096)],
}


def weights(generator, count):
    """Random numbers; a long run repeats a short one, which no kernel can see."""
    some = wire.floats([generator.uniform(-0.1, 0.1) for _ in range(min(count, 65521))])
    return (some * (count * 4 // len(some) + 1))[:count * 4]


def write_models(folder):
    """One model a shape; the lines that kernel_bench reads: kind, name, library, sizes."""
    generator, lines = random.Random(1), []
    for kind, shapes in (("conv", CONVOLUTIONS), ("matmul", PRODUCTS)):
        for network, sizes in shapes.items():
            for size in sizes:
                name = f"{network}/{kind}_" + "x".join(map(str, size))
                path = os.path.join(folder, name.replace("/", "_"))
                if kind == "conv":
                    n, c, h, f, k, s, g = size
                    out = (h + 2 * (k // 2) - k) // s + 1
                    filters = [f, c // g, k, k]
                    node = wire.node("Conv", ["x", "w"], "y", kernel_shape=[k, k], strides=[s, s], pads=[k // 2] * 4, group=g)
                    x, y, w = [n, c, h, h], [n, f, out, out], filters
                else:
                    m, n, k = size
                    node = wire.node("MatMul", ["x", "w"], "y")
                    x, y, w = [m, k], [m, n], [k, n]
                count = 1
                for dim in w:
                    count *= dim
                with open(path + ".onnx", "wb") as file:
                    file.write(wire.model([node], [wire.value_info("x", x)], [wire.value_info("y", y)],
                                          [wire.tensor("w", w, weights(generator, count))]))
                lines.append((kind, name, path, size))
    return lines


def build_program(folder):
    source, program = os.path.join(TOP, "test", "bench", "kernel_bench.cpp"), os.path.join(folder, "kernel_bench")
    if not os.path.exists(program) or os.path.getmtime(program) < os.path.getmtime(source):
        compiler = os.environ.get("CXX", "clang++-22")
        subprocess.run([compiler, "-O2", "-std=c++17", "-I", os.path.join(TOP, "runtime", "include"), source, "-o", program,
                        "-lbenchmark", "-ldnnl", "-lopenblas", "-lpthread", "-ldl"], check=True)
    return program


def main(build, sinter, threads, arguments):
    folder = os.path.join(build, "bench", "kernels")
    os.makedirs(folder, exist_ok=True)
    program = build_program(folder)
    with open(os.path.join(folder, "shapes.txt"), "w", encoding="utf-8") as file:
        for kind, name, path, size in write_models(folder):
            subprocess.run([sinter, "compile", "-q", "--profile", path + ".onnx", "-o", path + ".so"], check=True)
            print(kind, name, path + ".so", *size, file=file)
    # One pool of threads a library, as wide as Sinter's; OpenBLAS takes young processors for old ones unless it is told.
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads))
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        if "avx512f" in file.read():
            environment.setdefault("OPENBLAS_CORETYPE", "SKYLAKEX")
    return subprocess.run([program, os.path.join(folder, "shapes.txt"), str(threads)] + arguments, env=environment,
                          check=False).returncode
