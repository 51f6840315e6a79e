"""The models that `./dev bench` times: networks with recorded inputs, Transformers and RNNs as PyTorch exports them, and
with --zoo architectures of many kinds."""

import os
import random
import re
import struct
import subprocess
import sys

import cases
import wire

# What export_transformers.py of the shared folder writes, and the inputs to time each with: name, dims, and the elements,
# as a range of integers or "normal".
TRANSFORMERS = {
    "minilm_l6": [("input_ids", [1, 128], range(30522)), ("attention_mask", [1, 128], range(1, 2))],
    "bert_base": [("input_ids", [1, 128], range(30522)), ("attention_mask", [1, 128], range(1, 2))],
    "gpt2_step": [("input_ids", [1, 1], range(50257)), ("position_ids", [1, 1], range(128, 129)),
                  ("past", [12, 2, 1, 12, 128, 64], "normal")],
    "lstm_lm": [("ids", [1, 64], range(256))],
    "gru_lm": [("ids", [1, 64], range(256))],
}
PYTHON = "/usr/bin/python3"  # Debian's, which python3-torch is for


class Model:
    """A model to time: `name`, `path` of the ONNX file, `inputs`: folder of input_N.pb; `problem`: why it is not there;
    `judged`: whether its results are compared with output_N.pb first, as nothing else does."""

    def __init__(self, name, path="", inputs="", problem="", judged=False):
        self.name, self.path, self.inputs, self.problem, self.judged = name, path, inputs, problem, judged

    def input_files(self):
        """input_0.pb, input_1.pb, … in the model's order."""
        names = [name for name in os.listdir(self.inputs) if re.fullmatch(r"input_\d+\.pb", name)]
        return sorted(names, key=lambda name: int(name[6:-3]))


def write_inputs(folder, inputs):
    """input_N.pb for each (name, dims, elements), the same in every run."""
    os.makedirs(folder, exist_ok=True)
    generator = random.Random(1)
    for number, (name, dims, elements) in enumerate(inputs):
        count = 1
        for dim in dims:
            count *= dim
        if elements == "normal":
            data = wire.tensor(name, dims, wire.floats([generator.gauss(0, 1) for _ in range(count)]))
        else:
            values = [generator.choice(elements) for _ in range(count)]
            data = wire.tensor(name, dims, struct.pack(f"<{count}q", *values), wire.INT64)
        with open(os.path.join(folder, f"input_{number}.pb"), "wb") as file:
            file.write(data)


def export(script, folder):
    """Runs an exporter once for each version of its folder; the reason when it cannot."""
    name, stamp = os.path.basename(script), os.path.join(folder, "stamp")
    parts = sorted((each for each in os.scandir(os.path.dirname(script)) if each.is_file()), key=lambda each: each.name)
    facts = " ".join(f"{part.stat().st_size} {part.stat().st_mtime_ns}" for part in parts)
    if os.path.exists(stamp) and open(stamp).read() == facts:
        return ""
    print(f"exporting models with PyTorch: {name}", file=sys.stderr, flush=True)
    os.makedirs(folder, exist_ok=True)
    try:
        result = subprocess.run([PYTHON, script, folder], capture_output=True, text=True, timeout=1800, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{name}: {error}"
    if result.returncode:
        words = result.stderr.strip().splitlines() or ["no message"]
        hint = "; install Debian's python3-torch" if "torch" in words[-1] else ""
        return f"{name}: {words[-1]}{hint}"
    with open(stamp, "w") as file:
        file.write(facts)
    return ""


def find_transformers(build):
    """The five exported models; none in a clone without the shared folder."""
    shared = cases.shared_folder()
    script = os.path.join(os.path.dirname(shared), "peers", "export_transformers.py") if shared else ""
    if not os.path.exists(script):
        return []
    folder = os.path.join(build, "bench", "transformers")
    problem = export(script, folder)
    models = []
    for name, inputs in TRANSFORMERS.items():
        if not problem:
            write_inputs(os.path.join(folder, name), inputs)
        models.append(Model(name, os.path.join(folder, name + ".onnx"), os.path.join(folder, name), problem))
    return models


def find_zoo(build):
    """The architectures of test/bench/zoo, with what PyTorch computed."""
    script, folder = os.path.join(cases.TOP, "test", "bench", "zoo", "export_zoo.py"), os.path.join(build, "bench", "zoo")
    problem = export(script, folder)
    if problem:
        sys.exit(f"bench: no zoo: {problem}")
    return [Model(name, os.path.join(folder, name, "model.onnx"), os.path.join(folder, name, "test_data_set_0"), judged=True)
            for name in sorted(os.listdir(folder)) if os.path.isdir(os.path.join(folder, name))]


def find_models(build):
    """The networks of ../shared/data with their recorded inputs, and the exported ones; without that folder, the example's
    model with random inputs."""
    archives = cases.unpacked_archives(build)
    models = [Model(os.path.basename(case.folder).replace("test_", "", 1), os.path.join(case.folder, "model.onnx"),
                    os.path.join(case.folder, "test_data_set_0"))
              for name in ("onnx-light", "onnx-real") if name in archives
              for case in cases.find_cases(archives[name])]
    models += find_transformers(build)
    if models:
        return models
    print("no ../shared/data beside this clone: only the example's model", file=sys.stderr, flush=True)
    inputs = os.path.join(build, "bench", "ocr-inputs")
    write_inputs(inputs, [("x", [1, 3, 48, 320], "normal")])
    return [Model("ocr", os.path.join(cases.TOP, "examples", "ocr", "model.onnx"), inputs)]
