"""What of the machine tests ask for."""

import os


def has_opencl():
    """Whether a driver is installed for OpenCL's loader to find."""
    vendors = os.environ.get("OCL_ICD_VENDORS", "/etc/OpenCL/vendors")
    return os.path.isdir(vendors) and any(name.endswith(".icd") for name in os.listdir(vendors))
