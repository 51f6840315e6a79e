"""Prints, of the assembly on the standard input, the basic block that ends in a branch to its own beginning and has the
most matches of the pattern that is given: the inner loop of a kernel."""
import re
import sys

blocks, label, lines = [], None, []
for line in sys.stdin:
    match = re.match(r"(\.LBB\w+):", line)
    if match:
        label, lines = match.group(1), []
    lines.append(line)
    if label and re.search(rf"\b(b\.\w+|b[a-z]+|cbn?z|tbn?z|j\w+)\b.*{re.escape(label)}\b", line):
        blocks.append("".join(lines))
        label = None
print(max(blocks, key=lambda block: len(re.findall(sys.argv[1], block)), default="no loop"))
