"""lit's configuration: which files are tests, and what their RUN lines may name.

Substitutions
  %sinter        the command (`sinter` on its own works too, as do sinter-opt, FileCheck, not)
  %source        top of the repository        %build   the build folder
  %onnx-encode   text form of an ONNX model on stdin -> protobuf on stdout
  %cc            the C compiler of this build %python  Python 3 with numpy
  %shared        data from outside            %testdata  Debian's ONNX backend tests

Features
  shared-data    ../shared/data is there      onnx-testdata  libonnx-testdata is installed
  libpng, mpi, onnxruntime, qemu-aarch64, qemu-riscv64, qemu-x86_64, avx2, avx512, nvidia-gpu, opencl, ptxas: the machine has it
  x86-64, aarch64: the architecture of the machine
"""

import os
import shutil
import sys

import lit.formats

for folder in (("test",), ("test", "conformance")):
    sys.path.insert(0, os.path.join(config.sinter_source, *folder))
import cases  # noqa: E402  (the one place that knows where test data lies)
import machine  # noqa: E402

config.name = "sinter"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "CMakeLists.txt", "unit"]  # unit: data of GoogleTest programs
config.test_source_root = os.path.join(config.sinter_source, "test")
config.test_exec_root = os.path.join(config.sinter_build, "test")

tools = os.path.join(config.sinter_build, "bin")
config.environment["PATH"] = os.pathsep.join([tools, config.llvm_tools, os.environ["PATH"]])
config.environment["LC_ALL"] = "C.UTF-8"
# PoCL 3.1's vectorizer of work items gives wrong sums in some products (M-LSD's first convolution).
config.environment["POCL_WORK_GROUP_METHOD"] = "loops"
config.environment["POCL_CACHE_DIR"] = os.path.join(config.sinter_build, "pocl")
config.environment["SINTER"] = os.path.join(tools, "sinter")

python = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable
shared, testdata = cases.shared_folder(), cases.testdata_folder()
for name, text in [
    ("%sinter", os.path.join(tools, "sinter")),
    ("%source", config.sinter_source),
    ("%build", config.sinter_build),
    ("%onnx-encode", "protoc --encode=onnx.ModelProto -I/usr/include/onnx onnx.proto"),
    ("%cc", config.compiler),
    ("%python", python),
    ("%shared", shared or "no-shared-data"),
    ("%testdata", testdata or "no-onnx-testdata"),
]:
    config.substitutions.append((name + r"\b", text))


def cpu_flags():
    try:
        with open("/proc/cpuinfo") as file:
            return next((set(l.split()) for l in file if l.startswith(("flags", "Features"))), set())
    except OSError:
        return set()


flags = cpu_flags()
processor = {"amd64": "x86-64", "x86_64": "x86-64", "arm64": "aarch64"}.get(
    config.system_processor.lower(), config.system_processor.lower()
)
config.available_features.add(processor)
for feature, present in {
    "shared-data": shared is not None,
    "onnx-testdata": testdata is not None,
    "libpng": os.path.exists("/usr/include/png.h"),
    "qemu-aarch64": machine.has_emulator("aarch64"),
    "qemu-riscv64": machine.has_emulator("riscv64"),
    "qemu-x86_64": shutil.which("qemu-x86_64") is not None,
    "avx2": "avx2" in flags,
    "avx512": "avx512f" in flags,
    "mpi": shutil.which("mpirun") is not None,
    "onnxruntime": shutil.which("node") is not None
    and os.path.isdir(os.path.join(config.sinter_build, "peers", "node_modules", "onnxruntime-node")),
    "nvidia-gpu": os.path.exists("/dev/nvidiactl"),
    "ptxas": shutil.which("ptxas") or os.access("/usr/local/cuda/bin/ptxas", os.X_OK),
    "opencl": machine.has_opencl(),
}.items():
    if present:
        config.available_features.add(feature)
