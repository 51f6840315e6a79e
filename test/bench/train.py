#!/usr/bin/env python3
"""Training steps against PyTorch's: time, memory, losses and gradients, from the same parameters on the same batch.

usage: train.py --build BUILD [--threads 1,2] [--only cnn,mlp,lstm,transformer] [--seconds S] [--rounds N] [--openblas DIR]

PyTorch is Debian's python3-torch, set up as ../shared/peers/torch_peer.sh says; DIR is the folder of libopenblas.so.0 from
libopenblas0-openmp, which need not be installed. Both sides run in processes of their own, whose rounds alternate. A step is
forward, loss, backward and update. Checked: the first 20 losses to 1e-3, and all gradients to 1e-4 of each tensor's greatest.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PYTHON = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable
STEPS = 20
GRADIENT_RATE = 1000.0  # so that a step of SGD shows the gradients, not the parameters' rounding


def keras(layers):
    return json.dumps({"class_name": "Sequential",
                       "config": {"layers": [{"class_name": kind, "config": config} for kind, config in layers]}})


LSTM = keras([("Embedding", {"batch_input_shape": [None, 64], "input_dim": 256, "output_dim": 256}),
              ("LSTM", {"units": 256, "return_sequences": True}), ("LSTM", {"units": 256, "return_sequences": True}),
              ("Dense", {"units": 256, "activation": "softmax"})])

# Case: the model that Sinter compiles (a built-in's name, or a description's text; None: exported by PyTorch), batch,
# optimizer, learning rate.
CASES = {
    "cnn": ("cifar10-cnn", 64, "adam", 1e-3),
    "mlp": ("mlp", 128, "sgd", 0.1),
    "lstm": (LSTM, 32, "adam", 1e-3),
    "transformer": (None, 16, "adam", 1e-4),
}


# ---------------------------------------------------------------------------------------------------------------------
# PyTorch
# ---------------------------------------------------------------------------------------------------------------------

def torch_case(name):
    """Module, batch and targets; `to_sinter` of the module gives Sinter's tensor by Sinter's name."""
    import torch
    from torch import nn
    from torch.nn import functional as F
    torch.manual_seed(1)

    def linear(layer):
        return {"kernel": layer.weight.T, "bias": layer.bias}

    def named(**layers):
        return {f"{layer}/{key}": value for layer, tensors in layers.items() for key, value in tensors.items()}

    if name == "cnn":
        class CNN(nn.Module):
            def __init__(self):
                super().__init__()
                self.c = nn.ModuleList([nn.Conv2d(3, 32, 3), nn.Conv2d(32, 64, 3), nn.Conv2d(64, 64, 3)])
                self.f1, self.f2 = nn.Linear(1024, 64), nn.Linear(64, 10)

            def forward(self, x):
                x = F.max_pool2d(F.relu(self.c[0](x)), 2)
                x = F.max_pool2d(F.relu(self.c[1](x)), 2)
                return self.f2(F.relu(self.f1(F.relu(self.c[2](x)).flatten(1))))

            def to_sinter(self, of):
                convs = {f"conv2d{'' if i == 0 else f'_{i}'}": {"kernel": of(c.weight).permute(2, 3, 1, 0),
                                                               "bias": of(c.bias)} for i, c in enumerate(self.c)}
                # Flattened as C H W there, as H W C here.
                f1 = of(self.f1.weight).reshape(64, 64, 4, 4).permute(2, 3, 1, 0).reshape(1024, 64)
                return named(**convs, dense={"kernel": f1, "bias": of(self.f1.bias)},
                             dense_1={"kernel": of(self.f2.weight).T, "bias": of(self.f2.bias)})
        return CNN(), torch.rand(64, 3, 32, 32), torch.randint(10, (64,))
    if name == "mlp":
        class MLP(nn.Module):
            def __init__(self):
                super().__init__()
                self.f = nn.ModuleList([nn.Linear(784, 512), nn.Linear(512, 512), nn.Linear(512, 10)])

            def forward(self, x):
                return self.f[2](F.relu(self.f[1](F.relu(self.f[0](x)))))

            def to_sinter(self, of):
                return named(**{f"dense{'' if i == 0 else f'_{i}'}": {"kernel": of(f.weight).T, "bias": of(f.bias)}
                                for i, f in enumerate(self.f)})
        return MLP(), torch.rand(128, 784), torch.randint(10, (128,))
    if name == "lstm":
        class LanguageModel(nn.Module):
            def __init__(self, size=256):
                super().__init__()
                self.e, self.o = nn.Embedding(size, size), nn.Linear(size, size)
                self.l = nn.LSTM(size, size, 2, batch_first=True)
                # Keras has one bias where PyTorch has two that learn the same.
                for bias in (self.l.bias_hh_l0, self.l.bias_hh_l1):
                    nn.init.zeros_(bias).requires_grad_(False)

            def forward(self, x):
                return self.o(self.l(self.e(x))[0]).flatten(0, 1)

            def to_sinter(self, of):
                def cell(i):
                    return {"kernel": of(getattr(self.l, f"weight_ih_l{i}")).T,
                            "recurrent_kernel": of(getattr(self.l, f"weight_hh_l{i}")).T,
                            "bias": of(getattr(self.l, f"bias_ih_l{i}"))}
                return named(embedding={"embeddings": of(self.e.weight)}, lstm=cell(0), lstm_1=cell(1),
                             dense={"kernel": of(self.o.weight).T, "bias": of(self.o.bias)})
        return LanguageModel(), torch.randint(256, (32, 64)), torch.randint(256, (32 * 64,))

    class Block(nn.Module):
        def __init__(self, size=256):
            super().__init__()
            self.b = nn.TransformerEncoderLayer(size, 4, 4 * size, dropout=0.0, activation="gelu", batch_first=True)
            self.o = nn.Linear(size, 256)
            self.gives_probabilities = False

        def forward(self, x):
            logits = self.o(self.b(x)).flatten(0, 1)
            return F.softmax(logits, -1) if self.gives_probabilities else logits

        def to_sinter(self, of):
            return {key: of(value) for key, value in self.named_parameters()}
    return Block(), torch.randn(16, 128, 256), torch.randint(256, (16 * 128,))


def export_block(path):
    """The Transformer's block as ONNX, with the probabilities that its loss is of."""
    import torch
    module, x, _ = torch_case("transformer")
    module.gives_probabilities = True
    torch.onnx.export(module, x, path, input_names=["x"], output_names=["y"], do_constant_folding=False,
                      training=torch.onnx.TrainingMode.TRAINING, opset_version=14)


def torch_worker(case, threads, folder):
    import torch
    from torch.nn import functional as F
    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)
    torch.set_flush_denormal(True)
    module, x, y = torch_case(case)
    _, _, optimizer, rate = CASES[case]
    trained = [p for p in module.parameters() if p.requires_grad]
    timed_rule = torch.optim.Adam(trained, rate) if optimizer == "adam" else torch.optim.SGD(trained, rate)
    moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p in trained]

    def keras_adam(number):
        """PyTorch adds epsilon after the correction of the second moment, Keras before."""
        factor = rate * (1 - 0.999 ** number) ** 0.5 / (1 - 0.9 ** number)
        with torch.no_grad():
            for p, (m, v) in zip(trained, moments):
                m.mul_(0.9).add_(p.grad, alpha=0.1)
                v.mul_(0.999).addcmul_(p.grad, p.grad, value=0.001)
                p.sub_(factor * m / (v.sqrt() + 1e-7))

    def step(number=0):
        timed_rule.zero_grad()
        loss = F.cross_entropy(module(x), y)
        loss.backward()
        if optimizer == "adam" and number:
            keras_adam(number)
        else:
            timed_rule.step()
        return loss

    start = {key: value.detach().numpy().copy() for key, value in module.to_sinter(lambda p: p).items()}
    losses = [float(step(1))]
    gradients = {key: value.detach().numpy().copy() for key, value in module.to_sinter(lambda p: p.grad).items()}
    losses += [float(step(number)) for number in range(2, STEPS + 1)]
    inputs = x.permute(0, 2, 3, 1) if case == "cnn" else x
    np.savez(os.path.join(folder, "peer.npz"), x=inputs.numpy(), y=y.numpy(), losses=losses,
             **{f"p:{key}": value for key, value in start.items()},
             **{f"g:{key}": value for key, value in gradients.items()})
    return step, {}


# ---------------------------------------------------------------------------------------------------------------------
# Sinter
# ---------------------------------------------------------------------------------------------------------------------

def sinter_worker(case, threads, folder):
    sys.path[:0] = [os.path.join(TOP, "examples", "numpy"), os.path.join(TOP, "test", "driver", "Inputs")]
    from train import Training
    peer = np.load(os.path.join(folder, "peer.npz"))
    x = peer["x"]
    start = {key[2:]: peer[key] for key in peer.files if key.startswith("p:")}

    def load(path):
        training = Training(path, threads)
        state = training.state()
        parameters = {info.tensor.name.decode() for info in training.states if info.kind == 0}
        assert parameters == set(start), f"names differ: {parameters ^ set(start)}"
        for key, value in start.items():
            state[key][...] = value
        return training

    # By one step of plain descent.
    plain = load(os.path.join(folder, "plain.so"))
    info = plain.train.inputs[1]
    y = peer["y"].reshape([info.dims[d] for d in range(info.rank)])
    plain.train(x, y, np.float32(GRADIENT_RATE))
    worst, where = 0, ""
    for key, value in plain.state().items():
        if key not in start:
            continue
        given = (start[key].astype("float64") - value) / GRADIENT_RATE
        expected = peer["g:" + key]
        error = np.abs(given - expected).max() / np.abs(expected).max()
        if error > worst:
            worst, where = error, key
    del plain
    training = load(os.path.join(folder, "step.so"))
    rate = np.float32(CASES[case][3])

    def step():
        return training.train(x, y, rate)[0]

    losses = [float(step()) for _ in range(STEPS)]
    difference = max(abs(a - b) / abs(b) for a, b in zip(losses, peer["losses"]))
    return step, {"gradients": float(worst), "worst": where, "losses": difference}


def worker(side, case, threads, folder):
    """Prepares, then times rounds as the parent asks, a line each."""
    step, facts = (torch_worker if side == "torch" else sinter_worker)(case, threads, folder)
    for _ in range(3):
        step()
    print(json.dumps(facts), flush=True)
    for line in sys.stdin:
        times, end = [], time.perf_counter() + float(line)
        while time.perf_counter() < end or len(times) < 5:
            begin = time.perf_counter()
            step()
            times.append((time.perf_counter() - begin) * 1e3)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"min": min(times), "median": statistics.median(times), "peak": peak}), flush=True)


# ---------------------------------------------------------------------------------------------------------------------
# The parent
# ---------------------------------------------------------------------------------------------------------------------

def compile_case(case, folder, sinter):
    model, batch, optimizer, _ = CASES[case]
    if model is None:
        model = os.path.join(folder, "block.onnx")
        subprocess.run([PYTHON, __file__, "--export", model], check=True, stdout=subprocess.DEVNULL)
        fixed = []
    else:
        fixed = ["--dim", f"batch={batch}"]
        if model.startswith("{"):
            path = os.path.join(folder, "model.json")
            with open(path, "w") as file:
                file.write(model)
            model = path
    for name, rule in (("step", optimizer), ("plain", "sgd")):
        subprocess.run([sinter, "compile", model, *fixed, "--train", "--optimizer", rule, "-q", "-o",
                        os.path.join(folder, name + ".so")], check=True)


def start_worker(side, case, threads, folder, openblas):
    environment = dict(os.environ)
    if side == "torch":
        count = str(threads)
        environment.update(OMP_NUM_THREADS=count, OPENBLAS_NUM_THREADS=count, OPENBLAS_CORETYPE="SKYLAKEX",
                           ATEN_CPU_CAPABILITY="avx512",
                           GLIBC_TUNABLES="glibc.malloc.mmap_threshold=4294967296:glibc.malloc.trim_threshold=4294967296")
        if openblas:
            environment["LD_LIBRARY_PATH"] = openblas
    command = [PYTHON, __file__, "--worker", side, "--case", case, "--threads", str(threads), "--folder", folder]
    process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    if not line:
        sys.exit(f"{case}: {side} failed")
    return process, json.loads(line)


def measure(case, threads, arguments, folder):
    torch, _ = start_worker("torch", case, threads, folder, arguments.openblas)
    ours, facts = start_worker("sinter", case, threads, folder, None)
    results = {"torch": [], "sinter": []}
    for _ in range(arguments.rounds):
        for side, process in (("torch", torch), ("sinter", ours)):
            process.stdin.write(f"{arguments.seconds}\n")
            process.stdin.flush()
            results[side].append(json.loads(process.stdout.readline()))
    for process in (torch, ours):
        process.stdin.close()
        process.wait()
    best = {side: min(each["min"] for each in rounds) for side, rounds in results.items()}
    median = {side: statistics.median(each["median"] for each in rounds) for side, rounds in results.items()}
    peak = {side: max(each["peak"] for each in rounds) for side, rounds in results.items()}
    agrees = facts["losses"] < 1e-3 and facts["gradients"] < 1e-4
    print(f"{case:12} {threads}T  torch {best['torch']:7.2f} ms  sinter {best['sinter']:7.2f} ms  "
          f"ratio {best['torch'] / best['sinter']:.2f} (median {median['torch'] / median['sinter']:.2f})  "
          f"peak {peak['torch']:.0f} / {peak['sinter']:.0f} MB  losses {facts['losses']:.1e}  "
          f"gradients {facts['gradients']:.1e} ({facts['worst']}){'' if agrees else '  DIFFERS'}", flush=True)
    return agrees


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--only", default=",".join(CASES))
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--openblas")
    for hidden in ("--worker", "--case", "--folder", "--export"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.export:
        return export_block(arguments.export)
    if arguments.worker:
        return worker(arguments.worker, arguments.case, int(arguments.threads), arguments.folder)
    agrees = True
    for case in arguments.only.split(","):
        with tempfile.TemporaryDirectory() as folder:
            compile_case(case, folder, os.path.join(arguments.build, "bin", "sinter"))
            for threads in map(int, arguments.threads.split(",")):
                agrees &= measure(case, threads, arguments, folder)
    return 0 if agrees else 1


if __name__ == "__main__":
    sys.exit(main())
