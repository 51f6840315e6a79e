sinter_family(riscv riscv64 /lib/ld-linux-riscv64-lp64d.so.1 SOURCES RISCV.cpp)
