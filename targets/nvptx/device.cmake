sinter_devices(nvptx SOURCES NVPTX.cpp)
