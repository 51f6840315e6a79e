sinter_family(arm aarch64 /lib/ld-linux-aarch64.so.1 SOURCES Arm.cpp)
