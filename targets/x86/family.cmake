sinter_family(x86 x86_64 /lib64/ld-linux-x86-64.so.2 SOURCES X86.cpp)
