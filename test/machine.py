"""What of the machine tests ask for."""

import os
import shutil


def has_opencl():
    """Whether a driver is installed for OpenCL's loader to find."""
    vendors = os.environ.get("OCL_ICD_VENDORS", "/etc/OpenCL/vendors")
    return os.path.isdir(vendors) and any(name.endswith(".icd") for name in os.listdir(vendors))


def has_emulator(arch):
    """Whether programs for another processor run here: QEMU's user mode, and a libc for them."""
    return shutil.which("qemu-" + arch) is not None and os.path.isdir(f"/usr/{arch}-linux-gnu")
