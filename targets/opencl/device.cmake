sinter_devices(opencl SOURCES OpenCL.cpp)
