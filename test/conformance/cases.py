"""Where ONNX test cases lie, and what each of them is about.

A case is a folder with `model.onnx` and `test_data_set_N/{input,output}_K.pb`. Its name is its last two path components
(`node/test_abs`, `core/test_add_int8`, `onnx-real/ppocr_rec`), wherever the suite lies.
"""

import os
import subprocess
import tarfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# The archives of ../shared/data and how many cases each holds: what a clone without them counts as skipped.
ARCHIVES = {"onnx-light": 9, "onnx-node-18plus": 387, "onnx-real": 5}
TESTDATA_CASES = 1072


class Case:
    """One test case: `folder`, `name`, and the `operator` that it tests."""

    def __init__(self, folder):
        self.folder = folder
        self.name = "/".join(os.path.abspath(folder).split(os.sep)[-2:])
        self.operator = ""


def shared_folder():
    """The folder with data from outside, beside the clone, or None."""
    folder = os.environ.get("SINTER_SHARED_DATA") or os.path.join(TOP, "..", "shared", "data")
    folder = os.path.normpath(folder)
    return folder if os.path.isdir(folder) else None


def testdata_folder():
    """The `data` folder of Debian's libonnx-testdata, or None."""
    listing = subprocess.run(["dpkg", "-L", "libonnx-testdata"], capture_output=True, text=True, check=False) \
        if os.path.exists("/usr/bin/dpkg") else None
    for line in listing.stdout.splitlines() if listing and listing.returncode == 0 else []:
        if line.endswith("/data") and os.path.isdir(os.path.join(line, "node")):
            return line
    return None


def unpacked_archives(build):
    """Unpacks each archive of the shared folder once into the build folder; {archive name: folder}."""
    shared, found = shared_folder(), {}
    for name in ARCHIVES:
        archive = os.path.join(shared, name + ".tar.xz") if shared else None
        if not archive or not os.path.exists(archive):
            continue
        folder = os.path.join(build, "test-data", name)
        stamp = folder + ".stamp"
        facts = "%d %d" % (os.path.getsize(archive), os.stat(archive).st_mtime_ns)
        if not (os.path.exists(stamp) and open(stamp).read() == facts):
            os.makedirs(os.path.dirname(folder), exist_ok=True)
            with tarfile.open(archive) as tar:
                tar.extractall(os.path.dirname(folder))
            with open(stamp, "w") as file:
                file.write(facts)
        found[name] = folder
    return found


def find_cases(folder):
    """All cases under `folder` (which may be one itself), sorted by name."""
    found = []
    for parent, folders, files in os.walk(folder):
        folders.sort()
        if "model.onnx" in files and any(f.startswith("test_data_set_") for f in folders):
            found.append(Case(parent))
            folders.clear()
    assign_operators(found, folder)
    return sorted(found, key=lambda case: case.name)


def sample(found, count):
    """At most `count` cases of each operator, evenly spaced over their sorted names: the same ones every time."""
    by_operator = {}
    for case in found:
        by_operator.setdefault(case.operator, []).append(case)
    chosen = []
    for group in by_operator.values():
        group.sort(key=lambda case: case.name)
        step = max(1.0, len(group) / count)
        chosen += [group[int(step * (i + 0.5))] for i in range(min(count, len(group)))]
    return sorted(chosen, key=lambda case: case.name)


# --- Operators ---------------------------------------------------------------------------------------------------


def fields(data):
    """The (field number, value) pairs of one protobuf message; length-delimited values as memoryview."""
    position, end = 0, len(data)

    def varint():
        nonlocal position
        value = shift = 0
        while True:
            byte = data[position]
            position += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    while position < end:
        key = varint()
        kind = key & 7
        if kind == 0:
            value = varint()
        elif kind == 2:
            length = varint()
            value = data[position:position + length]
            position += length
        else:
            length = {1: 8, 5: 4}[kind]
            value = data[position:position + length]
            position += length
        yield key >> 3, value


def model_operators(path):
    """The operators of a model's graph, in order, without those of its subgraphs."""
    with open(path, "rb") as file:
        model = memoryview(file.read())
    return [
        bytes(text).decode()
        for number, graph in fields(model) if number == 7          # ModelProto.graph
        for number, node in fields(graph) if number == 1           # GraphProto.node
        for number, text in fields(node) if number == 4            # NodeProto.op_type
    ]


def manifest_operators(folder):
    """{case name: operator} of MANIFEST.tsv, where a suite has one."""
    table = {}
    path = os.path.join(folder, "MANIFEST.tsv")
    for line in open(path, encoding="utf-8") if os.path.exists(path) else []:
        columns = line.rstrip("\n").split("\t")
        if not line.startswith("#") and len(columns) >= 3:
            table[columns[0] + "/" + columns[1]] = columns[2]
    return table


def assign_operators(found, folder):
    """Names the operator that each case tests: by the manifest, by the model's only operator, by the plain case of an
    expanded one, or by the case's name. What mixes operators counts as `(several)`."""
    manifest = manifest_operators(folder)
    known, several = set(), []
    for case in found:
        case.operator = manifest.get(case.name, "")
        if case.operator:
            continue
        try:
            distinct = set(model_operators(os.path.join(case.folder, "model.onnx")))
        except (IndexError, KeyError, UnicodeDecodeError):
            case.operator = "(unreadable model)"
            continue
        if len(distinct) > 1:
            distinct.discard("Constant")
        if len(distinct) == 1:
            case.operator = distinct.pop()
            known.add(case.operator)
        else:
            several.append((case, distinct))
    by_name = {case.name: case.operator for case in found}
    # Longest first, so that test_reduce_sum_square… is ReduceSumSquare's and not ReduceSum's.
    spelled = sorted(((op.lower(), op) for op in known), key=lambda pair: -len(pair[0]))
    for case, distinct in several:
        plain = by_name.get(case.name.split("_expanded")[0])
        short = case.name.split("/")[-1].replace("test_", "", 1).replace("_", "").lower()
        case.operator = plain or next((op for low, op in spelled if short.startswith(low)), None) \
            or next((op for op in sorted(distinct, key=len, reverse=True) if short.startswith(op.lower())), None) \
            or "(several)"
