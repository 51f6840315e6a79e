#!/usr/bin/env python3
"""Writes kernels of one family for kernel-check:  kernels.py conv n=1 h=56 c=64 f=64 k=3 s=1 p=1 pack=32

Families: conv, depthwise, pool, matmul, softmax, layernorm, colsum, elementwise, transpose, shuffle, argmax, attention. A size
`?NAME` makes a dynamic dimension (matmul m, n, k; softmax, elementwise rows; attention n, s, t); `sizes=m:3,m:17` then says what runs.
"""
import sys


def tensor(*dims, type="f32"):
    return "tensor<" + "".join(f"{d if not str(d).startswith('?') else '?'}x" for d in dims) + f"{type}>"


def names(dims):
    """The attribute that names dynamic dims."""
    if not any(str(d).startswith("?") for d in dims):
        return ""
    return " {check.dims = [" + ", ".join(f'"{str(d)[1:]}"' if str(d).startswith("?") else '""' for d in dims) + "]}"


def affine(dims, results):
    return f"affine_map<({', '.join(dims)}) -> ({', '.join(results)})>"


def generic(result, ins, init, maps, kinds, body, out):
    """ins: [(value, type)]; body: text with %a, %b ... for the inputs and %o."""
    letters = "abcdefg"
    arguments = ", ".join(f"%{letters[i]}: {t.split('x')[-1][:-1].split('<')[-1]}" for i, (_, t) in enumerate(ins))
    element = out.split("x")[-1][:-1].split("<")[-1]
    arguments += (", " if arguments else "") + f"%o: {element}"
    kinds = ", ".join(f'"{"parallel" if k == "p" else "reduction"}"' for k in kinds)
    inputs = f"ins({', '.join(v for v, _ in ins)} : {', '.join(t for _, t in ins)}) " if ins else ""
    return (f"  {result} = linalg.generic {{indexing_maps = [{', '.join(maps)}], iterator_types = [{kinds}]}} "
            f"{inputs}outs({init} : {out}) {{\n  ^bb0({arguments}):\n{body}  }} -> {out}\n")


def init(name, type, value=None, sizes=""):
    text = f"  {name}_e = tensor.empty({sizes}) : {type}\n"
    if value is None:
        return text
    element = type.split("x")[-1][:-1].split("<")[-1]
    return (text + f"  {name}_c = arith.constant {value} : {element}\n"
            f"  {name} = linalg.fill ins({name}_c : {element}) outs({name}_e : {type}) -> {type}\n")


def pad(h, w, c, n, p, value="0.0"):
    x, y = tensor(n, h, w, c), tensor(n, h + 2 * p, w + 2 * p, c)
    body = f"""    %n = linalg.index 0 : index
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %ch = linalg.index 3 : index
    %p = arith.constant {p} : index
    %zero = arith.constant 0 : index
    %pv = arith.constant {value} : f32
    %hm = arith.constant {h - 1} : index
    %wm = arith.constant {w - 1} : index
    %i1 = arith.subi %i, %p : index
    %j1 = arith.subi %j, %p : index
    %i2 = arith.maxsi %i1, %zero : index
    %i3 = arith.minsi %i2, %hm : index
    %j2 = arith.maxsi %j1, %zero : index
    %j3 = arith.minsi %j2, %wm : index
    %v = tensor.extract %x[%n, %i3, %j3, %ch] : {x}
    %ci = arith.cmpi eq, %i1, %i3 : index
    %cj = arith.cmpi eq, %j1, %j3 : index
    %cc = arith.andi %ci, %cj : i1
    %r = arith.select %cc, %v, %pv : f32
    linalg.yield %r : f32
"""
    d = ["d0", "d1", "d2", "d3"]
    return init("%pad", y) + generic("%padded", [], "%pad_e", [affine(d, d)], "pppp", body, y), y


FMA = "    %m = arith.mulf %a, %b : f32\n    %r = arith.addf %m, %o : f32\n    linalg.yield %r : f32\n"
BIAS_RELU = ("    %z = arith.constant 0.0 : f32\n    %s = arith.addf %a, %b : f32\n"
             "    %r = arith.maximumf %s, %z : f32\n    linalg.yield %r : f32\n")
D4 = ["d0", "d1", "d2", "d3"]


def conv(n=1, h=56, w=0, c=64, f=64, k=3, s=1, p=1, pack=32):
    w = w or h
    oh, ow = (h + 2 * p - k) // s + 1, (w + 2 * p - k) // s + 1
    text, source, x = "", "%x", tensor(n, h, w, c)
    if p:
        text, x = pad(h, w, c, n, p)
        source = "%padded"
    d = [f"d{i}" for i in range(7)]
    if pack:
        weights = tensor((f + pack - 1) // pack, k, k, c, pack)
        weight_map = affine(d, [f"d3 floordiv {pack}", "d4", "d5", "d6", f"d3 mod {pack}"])
    else:
        weights, weight_map = tensor(k, k, c, f), affine(d, ["d4", "d5", "d6", "d3"])
    y = tensor(n, oh, ow, f)
    text += init("%i", y, "0.0")
    text += generic("%acc", [(source, x), ("%w", weights)], "%i",
                    [affine(d, ["d0", f"d1 * {s} + d4", f"d2 * {s} + d5", "d6"]), weight_map, affine(d, d[:4])],
                    "pppprrr", FMA, y)
    text += generic("%y", [("%acc", y), ("%bias", tensor(f))], "%i_e", [affine(D4, D4), affine(D4, ["d3"]), affine(D4, D4)],
                    "pppp", BIAS_RELU, y)
    return (f"(%x: {tensor(n, h, w, c)}, %w: {weights}, %bias: {tensor(f)}) -> {y}", text, f"%y : {y}",
            2 * n * oh * ow * f * k * k * c)


def depthwise(n=1, h=56, c=96, k=3, s=1, p=1):
    oh = (h + 2 * p - k) // s + 1
    text, x = pad(h, h, c, n, p)
    d = [f"d{i}" for i in range(6)]
    y = tensor(n, oh, oh, c)
    text += init("%i", y, "0.0")
    text += generic("%acc", [("%padded", x), ("%w", tensor(k, k, c))], "%i",
                    [affine(d, ["d0", f"d1 * {s} + d4", f"d2 * {s} + d5", "d3"]), affine(d, ["d4", "d5", "d3"]),
                     affine(d, d[:4])], "pppprr", FMA, y)
    text += generic("%y", [("%acc", y), ("%bias", tensor(c))], "%i_e", [affine(D4, D4), affine(D4, ["d3"]), affine(D4, D4)],
                    "pppp", BIAS_RELU, y)
    return (f"(%x: {tensor(n, h, h, c)}, %w: {tensor(k, k, c)}, %bias: {tensor(c)}) -> {y}", text, f"%y : {y}",
            2 * n * oh * oh * c * k * k)


def pool(n=1, h=112, c=64, k=3, s=2, p=1, special=0):
    oh = (h + 2 * p - k) // s + 1
    text, x = pad(h, h, c, n, p, "0xFF800000")
    d = [f"d{i}" for i in range(6)]
    y = tensor(n, oh, oh, c)
    text += init("%i", y, "0xFF800000") + f"  %win = tensor.empty() : {tensor(k, k)}\n"
    text += generic("%y", [("%padded", x), ("%win", tensor(k, k))], "%i",
                    [affine(d, ["d0", f"d1 * {s} + d4", f"d2 * {s} + d5", "d3"]), affine(d, ["d4", "d5"]),
                     affine(d, d[:4])], "pppprr",
                    "    %r = arith.maximumf %a, %o : f32\n    linalg.yield %r : f32\n", y)
    attributes = " {check.special}" if special else ""
    return f"(%x: {tensor(n, h, h, c)}{attributes}) -> {y}", text, f"%y : {y}", n * oh * oh * c * k * k


def matmul(m=1024, n=1024, k=1024, b=0, pack=0, transposed=0, bias=1):
    batch = [b] if b else []
    d = [f"d{i}" for i in range(3 + len(batch))]
    B, (M, N, K) = d[:len(batch)], d[len(batch):]
    if pack:
        w, wm = tensor((int(n) + pack - 1) // pack, k, pack), [f"{N} floordiv {pack}", K, f"{N} mod {pack}"]
        wd = []
    elif transposed:
        wd, wm = batch + [n, k], B + [N, K]
        w = tensor(*wd)
    else:
        wd, wm = batch + [k, n], B + [K, N]
        w = tensor(*wd)
    dynamic, text = "", ""
    for value, dim, source, at in [("%dm", m, "%x", len(batch)), ("%dn", n, "%w", len(batch) + (0 if transposed else 1))]:
        if str(dim).startswith("?"):
            t = tensor(*batch, m, k) if source == "%x" else w
            text += f"  {value}_i = arith.constant {at} : index\n  {value} = tensor.dim {source}, {value}_i : {t}\n"
            dynamic += (", " if dynamic else "") + value
    y = tensor(*batch, m, n)
    text += init("%i", y, "0.0", dynamic)
    text += generic("%acc", [("%x", tensor(*batch, m, k)), ("%w", w)], "%i",
                    [affine(d, B + [M, K]), affine(d, wm), affine(d, B + [M, N])], "p" * len(batch) + "ppr", FMA, y)
    result = "%acc"
    arguments = f"%x: {tensor(*batch, m, k)}{names(batch + [m, k])}, %w: {w}{names(wd)}"
    if bias:
        o = [f"d{i}" for i in range(len(batch) + 2)]
        text += generic("%y", [("%acc", y), ("%bias", tensor(n))], "%i_e", [affine(o, o), affine(o, o[-1:]), affine(o, o)],
                        "p" * len(o), BIAS_RELU, y)
        result = "%y"
        arguments += f", %bias: {tensor(n)}{names([n])}"
    flops = 0 if dynamic or str(k).startswith("?") else 2 * max(b, 1) * m * n * k
    return f"({arguments}) -> ({y}{names(batch + [m, n])})", text, f"{result} : {y}", flops


def rows(dims):
    text = ""
    if str(dims[0]).startswith("?"):
        text += f"  %di = arith.constant 0 : index\n  %d = tensor.dim %x, %di : {tensor(*dims)}\n"
    sizes = "%d" if text else ""
    if str(dims[1]).startswith("?"):
        text += f"  %di1 = arith.constant 1 : index\n  %d1 = tensor.dim %x, %di1 : {tensor(*dims)}\n"
        sizes += (", " if sizes else "") + "%d1"
    return text, sizes, "%d" if str(dims[0]).startswith("?") else ""


ID, ROW = affine(["d0", "d1"], ["d0", "d1"]), affine(["d0", "d1"], ["d0"])


def softmax(m=128, n=1000):
    x, r = tensor(m, n), tensor(m)
    text, sizes, row = rows([m, n])
    text += init("%i", r, "0xFF800000", row) + init("%j", r, "0.0", row) + init("%y", x, None, sizes)
    text += generic("%max", [("%x", x)], "%i", [ID, ROW], "pr",
                    "    %r = arith.maximumf %a, %o : f32\n    linalg.yield %r : f32\n", r)
    text += generic("%exp", [("%x", x), ("%max", r)], "%y_e", [ID, ROW, ID], "pp",
                    "    %s = arith.subf %a, %b : f32\n    %r = math.exp %s : f32\n    linalg.yield %r : f32\n", x)
    text += generic("%sum", [("%exp", x)], "%j", [ID, ROW], "pr",
                    "    %r = arith.addf %a, %o : f32\n    linalg.yield %r : f32\n", r)
    text += generic("%z", [("%exp", x), ("%sum", r)], "%y_e", [ID, ROW, ID], "pp",
                    "    %r = arith.divf %a, %b : f32\n    linalg.yield %r : f32\n", x)
    return f"(%x: {x}{names([m, n])}) -> ({x}{names([m, n])})", text, f"%z : {x}", 0


def layernorm(m=128, n=768):
    x, r = tensor(m, n), tensor(m)
    text, sizes, row = rows([m, n])
    text += init("%i", r, "0.0", row) + init("%y", x, None, sizes)
    text += generic("%sum", [("%x", x)], "%i", [ID, ROW], "pr",
                    "    %r = arith.addf %a, %o : f32\n    linalg.yield %r : f32\n", r)
    mean = f"    %n = arith.constant {float(n)} : f32\n    %mean = arith.divf %b, %n : f32\n    %c0 = arith.subf %a, %mean : f32\n"
    text += generic("%var", [("%x", x), ("%sum", r)], "%i", [ID, ROW, ROW], "pr",
                    mean + "    %s = arith.mulf %c0, %c0 : f32\n    %r = arith.addf %s, %o : f32\n    linalg.yield %r : f32\n", r)
    text += generic("%z", [("%x", x), ("%sum", r), ("%var", r)], "%y_e", [ID, ROW, ROW, ID], "pp",
                    mean + "    %v = arith.divf %c, %n : f32\n    %e = arith.constant 1.0e-5 : f32\n"
                    "    %v1 = arith.addf %v, %e : f32\n    %q = math.sqrt %v1 : f32\n    %r = arith.divf %c0, %q : f32\n"
                    "    linalg.yield %r : f32\n", x)
    return f"(%x: {x}{names([m, n])}) -> ({x}{names([m, n])})", text, f"%z : {x}", 0


def colsum(m=1000, n=70):
    x, r = tensor(m, n), tensor(n)
    text = init("%i", r, "0.0") + generic("%y", [("%x", x)], "%i", [ID, affine(["d0", "d1"], ["d1"])], "rp",
                                          "    %r = arith.addf %a, %o : f32\n    linalg.yield %r : f32\n", r)
    return f"(%x: {x}) -> {r}", text, f"%y : {r}", m * n


def argmax(m=37, n=100):
    x, r = tensor(m, n), tensor(m, type="i64")
    text = init("%i", tensor(m), "0xFF800000") + init("%j", r, "0")
    body = """    %ix = linalg.index 1 : index
    %i64 = arith.index_cast %ix : index to i64
    %g = arith.cmpf ogt, %a, %o : f32
    %r0 = arith.select %g, %a, %o : f32
    %r1 = arith.select %g, %i64, %p : i64
    linalg.yield %r0, %r1 : f32, i64
"""
    text += (f"  %y:2 = linalg.generic {{indexing_maps = [{ID}, {ROW}, {ROW}], iterator_types = [\"parallel\", \"reduction\"]}} "
             f"ins(%x : {x}) outs(%i, %j : {tensor(m)}, {r}) {{\n  ^bb0(%a: f32, %o: f32, %p: i64):\n{body}  }} -> ({tensor(m)}, {r})\n")
    return f"(%x: {x}) -> {r}", text, f"%y#1 : {r}", 0


def elementwise(m=64, n=1000, body="tanh", type="f32", special=0, first="%a", second="", range=""):
    """A function of one operand, or of two of which one is a constant: first=0.5 or second=0.5. The operand is in range=LOW:HIGH."""
    x = tensor(m, n, type=type)
    text, sizes, _ = rows([m, n])
    op = body if "." in body else f"math.{body}"
    text += init("%i", x, None, sizes)
    arguments, constant = ["%a"], ""
    if second or first != "%a":
        arguments = [first if first == "%a" else "%c", "%c" if second else "%a"]
        constant = f"    %c = arith.constant {second or first} : {type}\n"
    text += generic("%y", [("%x", x)], "%i_e", [ID, ID], "pp",
                    f"{constant}    %r = {op} {', '.join(arguments)} : {type}\n    linalg.yield %r : {type}\n", x)
    attributes = [names([m, n]).strip(" {}")] + ["check.special"] * special
    if range:
        low, high = (float(end) for end in range.split(":"))
        attributes.append(f"check.range = [{low} : f64, {high} : f64]")
    words = ", ".join(each for each in attributes if each)
    return f"(%x: {x}{f' {{{words}}}' if words else ''}) -> ({x}{names([m, n])})", text, f"%y : {x}", 0


def transpose(n=1, h=56, c=64, to="nhwc"):
    x = tensor(n, c, h, h) if to == "nhwc" else tensor(n, h, h, c)
    y = tensor(n, h, h, c) if to == "nhwc" else tensor(n, c, h, h)
    source = ["d0", "d3", "d1", "d2"] if to == "nhwc" else ["d0", "d2", "d3", "d1"]
    text = init("%i", y) + generic("%y", [("%x", x)], "%i_e", [affine(D4, source), affine(D4, D4)], "pppp",
                                   "    linalg.yield %a : f32\n", y)
    return f"(%x: {x}) -> {y}", text, f"%y : {y}", 0


def shuffle(m=49, g=4, n=34):
    """The transpose of a channel shuffle, with ReLU."""
    d = ["d0", "d1", "d2"]
    x, y = tensor(m, g, n), tensor(m, n, g)
    text, sizes = "", ""
    for name, size, at in [("%dm", m, 0), ("%dn", n, 2)]:
        if str(size).startswith("?"):
            text += f"  {name}i = arith.constant {at} : index\n  {name} = tensor.dim %x, {name}i : {x}\n"
            sizes += (", " if sizes else "") + name
    text += init("%i", y, None, sizes)
    text += generic("%y", [("%x", x)], "%i_e", [affine(d, ["d0", "d2", "d1"]), affine(d, d)], "ppp",
                    "    %z = arith.constant 0.0 : f32\n    %r = arith.maximumf %a, %z : f32\n    linalg.yield %r : f32\n", y)
    return f"(%x: {x}{names([m, g, n])}) -> ({y}{names([m, n, g])})", text, f"%y : {y}", 0


def qmatmul(m=128, n=256, k=256, pack=0, fours=0, signed=0):
    """fours=1: four steps of the sum lie beside each other in the packed weights, for dot products."""
    d = [f"d{i}" for i in range(3 + fours)]
    panels, xm, wm, shape = (n + pack - 1) // pack if pack else 0, ["d0", "d2"], ["d2", "d1"], [k, n]
    if fours:
        xm, wm, shape = ["d0", "d2 * 4 + d3"], [f"d1 floordiv {pack}", "d2", f"d1 mod {pack}", "d3"], [panels, k // 4, pack, 4]
    elif pack:
        wm, shape = [f"d1 floordiv {pack}", "d2", f"d1 mod {pack}"], [panels, k, pack]
    w, x, y = tensor(*shape, type="i8"), tensor(m, k, type="i8"), tensor(m, n, type="i32")
    size = "" if isinstance(m, int) else "%md"
    text = "" if not size else f"  %c0 = arith.constant 0 : index\n  %md = tensor.dim %x, %c0 : {x}\n"
    text += init("%i", y, "0", size)
    text += generic("%y", [("%x", x), ("%w", w)], "%i", [affine(d, xm), affine(d, wm), affine(d, ["d0", "d1"])],
                    "ppr" + "r" * fours, f"    %ae = arith.ext{'s' if signed else 'u'}i %a : i8 to i32\n    %be = arith.extsi %b : i8 to i32\n"
                    "    %m = arith.muli %ae, %be : i32\n    %r = arith.addi %o, %m : i32\n    linalg.yield %r : i32\n", y)
    return f"(%x: {x}{names([m, k])}, %w: {w}) -> ({y}{names([m, n])})", text, f"%y : {y}", 2 * n * k * (m if isinstance(m, int) else 64)


def globalpool(n=1, h=7, c=512):
    x, r, y = tensor(n, h, h, c), tensor(n, c), tensor(n, c)
    text = init("%i", r, "0.0")
    text += generic("%s", [("%x", x)], "%i", [affine(D4, D4), affine(D4, ["d0", "d3"])], "prrp",
                    "    %r = arith.addf %a, %o : f32\n    linalg.yield %r : f32\n", r)
    text += generic("%y", [("%s", r)], "%i_e", [ID, ID], "pp",
                    f"    %k = arith.constant {float(h * h)} : f32\n    %r = arith.divf %a, %k : f32\n    linalg.yield %r : f32\n", y)
    return f"(%x: {x}) -> {y}", text, f"%y : {y}", n * h * h * c


def nchwconv(n=1, h=28, c=32, f=48, k=3, s=1):
    """No layout assignment: channels first, unpadded."""
    oh = (h - k) // s + 1
    d = [f"d{i}" for i in range(7)]
    y = tensor(n, f, oh, oh)
    text = init("%i", y, "0.0")
    text += generic("%acc", [("%x", tensor(n, c, h, h)), ("%w", tensor(f, c, k, k))], "%i",
                    [affine(d, ["d0", "d4", f"d2 * {s} + d5", f"d3 * {s} + d6"]), affine(d, ["d1", "d4", "d5", "d6"]),
                     affine(d, d[:4])], "pppprrr", FMA, y)
    return f"(%x: {tensor(n, c, h, h)}, %w: {tensor(f, c, k, k)}) -> {y}", text, f"%acc : {y}", 2 * n * f * oh * oh * c * k * k


def attention(n=1, h=2, s=128, t=128, d=64, w=64, split=0):
    """softmax(Q K^T * 0.125 + mask) V; heads beside each other in a row, or with split=1 one after another."""
    def side(rows, width):
        return [n, h, rows, width] if split else [n, rows, h, width]

    def place(row, width):
        return ["d0", "d1", row, width] if split else ["d0", row, "d1", width]
    q, k, v, y, mask = tensor(*side(s, d)), tensor(*side(t, d)), tensor(*side(t, w)), tensor(*side(s, w)), tensor(n, t)
    p, r, o = tensor(n, h, s, t), tensor(n, h, s), tensor(n, h, s, w)
    text, size = "", {}
    for name, dim, source, kind, at in [("%ds", s, "%q", q, 2 if split else 1), ("%dt", t, "%k", k, 2 if split else 1),
                                        ("%dn", n, "%q", q, 0)]:
        size[dim] = ""
        if str(dim).startswith("?"):
            text += f"  {name}i = arith.constant {at} : index\n  {name} = tensor.dim {source}, {name}i : {kind}\n"
            size[dim] = name

    def sizes(*dims):
        return ", ".join(size[dim] for dim in dims if size.get(dim))
    d5, d4, d3 = [f"d{i}" for i in range(5)], D4, D4[:3]
    text += init("%p", p, "0.0", sizes(n, s, t)) + init("%low", r, "0xFF800000", sizes(n, s))
    text += init("%zero", r, "0.0", sizes(n, s)) + init("%sums", o, "0.0", sizes(n, s)) + init("%y", y, None, sizes(n, s))
    text += generic("%scores", [("%q", q), ("%k", k)], "%p", [affine(d5, place("d2", "d4")), affine(d5, place("d3", "d4")),
                                                             affine(d5, d4)], "ppppr", FMA, p)
    text += generic("%scaled", [("%scores", p), ("%mask", mask)], "%p_e", [affine(d4, d4), affine(d4, ["d0", "d3"]), affine(d4, d4)],
                    "pppp", "    %c = arith.constant 0.125 : f32\n    %m = arith.mulf %a, %c : f32\n"
                    "    %r = arith.addf %m, %b : f32\n    linalg.yield %r : f32\n", p)
    text += generic("%max", [("%scaled", p)], "%low", [affine(d4, d4), affine(d4, d3)], "pppr",
                    "    %r = arith.maximumf %a, %o : f32\n    linalg.yield %r : f32\n", r)
    text += generic("%exp", [("%scaled", p), ("%max", r)], "%p_e", [affine(d4, d4), affine(d4, d3), affine(d4, d4)], "pppp",
                    "    %s = arith.subf %a, %b : f32\n    %r = math.exp %s : f32\n    linalg.yield %r : f32\n", p)
    text += generic("%sum", [("%exp", p)], "%zero", [affine(d4, d4), affine(d4, d3)], "pppr",
                    "    %r = arith.addf %a, %o : f32\n    linalg.yield %r : f32\n", r)
    text += generic("%inverse", [("%sum", r)], "%low_e", [affine(d3, d3)] * 2, "ppp",
                    "    %c = arith.constant 1.0 : f32\n    %r = arith.divf %c, %a : f32\n    linalg.yield %r : f32\n", r)
    text += generic("%weights", [("%exp", p), ("%inverse", r)], "%p_e", [affine(d4, d4), affine(d4, d3), affine(d4, d4)], "pppp",
                    "    %r = arith.mulf %a, %b : f32\n    linalg.yield %r : f32\n", p)
    text += generic("%values", [("%weights", p), ("%v", v)], "%sums", [affine(d5, ["d0", "d1", "d2", "d4"]),
                                                                   affine(d5, place("d4", "d3")), affine(d5, d4)], "ppppr", FMA, o)
    text += generic("%result", [("%values", o)], "%y_e", [affine(d4, d4 if split else ["d0", "d2", "d1", "d3"]), affine(d4, d4)],
                    "pppp", "    linalg.yield %a : f32\n", y)
    arguments = ", ".join(f"{name}: {kind}{names(dims)}" for name, kind, dims in [
        ("%q", q, side(s, d)), ("%k", k, side(t, d)), ("%v", v, side(t, w)), ("%mask", mask, [n, t])])
    flops = 0 if "?" in f"{n}{s}{t}" else 2 * n * h * s * t * (d + w)
    return f"({arguments}) -> ({y}{names(side(s, w))})", text, f"%result : {y}", flops


def main():
    family, sizes, options = sys.argv[1], [], {}
    for word in sys.argv[2:]:
        key, value = word.split("=", 1)
        if key == "sizes":
            sizes = [dict(each.split(":") for each in run.split("+")) for run in value.split(",")]
        else:
            options[key] = int(value) if value.lstrip("-").isdigit() else value
    signature, body, result, flops = globals()[family](**options)
    attributes = [f"check.flops = {flops} : i64"]
    if sizes:
        attributes.append("check.sizes = [" + ", ".join(
            "{" + ", ".join(f"{k} = {v} : i64" for k, v in run.items()) + "}" for run in sizes) + "]")
    print(f"kernel.func @{family}{signature} attributes {{{', '.join(attributes)}}} {{")
    print(body, end="")
    print(f"  kernel.yield {result}\n}}")


main()
