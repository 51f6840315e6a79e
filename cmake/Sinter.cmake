# Packages, compile options and the few functions that the folders' CMakeLists.txt use.

find_package(MLIR REQUIRED CONFIG HINTS /usr/lib/llvm-22/lib/cmake/mlir)
find_package(LLD REQUIRED CONFIG HINTS /usr/lib/llvm-22/lib/cmake/lld)
if(NOT LLVM_VERSION_MAJOR EQUAL 22)
  message(FATAL_ERROR "Sinter needs MLIR 22, found ${LLVM_VERSION}; on Debian: apt-get install libmlir-22-dev")
endif()
list(APPEND CMAKE_MODULE_PATH "${MLIR_CMAKE_DIR}" "${LLVM_CMAKE_DIR}")
include(TableGen)
include(AddLLVM)
include(AddMLIR)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # The precompiled header's macros and time stamps are safe here: the header only includes.
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime "${CCACHE_PROGRAM}")
endif()

include_directories(SYSTEM ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
include_directories("${CMAKE_SOURCE_DIR}" "${CMAKE_BINARY_DIR}")
add_compile_options(-Wall -Wno-unused-function $<$<COMPILE_LANGUAGE:CXX>:-fvisibility-inlines-hidden>)

# Debian builds LLVM and MLIR without RTTI and exceptions: what derives from their classes must match.
set(SINTER_MLIR_OPTIONS $<$<COMPILE_LANGUAGE:CXX>:-fno-rtti> $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions>)

# All code that faces MLIR shares one precompiled header.
file(WRITE "${CMAKE_BINARY_DIR}/precompiled.cpp" "// Carries the precompiled header.\n")
add_library(SinterPrecompiled OBJECT "${CMAKE_BINARY_DIR}/precompiled.cpp")
target_compile_options(SinterPrecompiled PRIVATE ${SINTER_MLIR_OPTIONS}
                       $<$<CXX_COMPILER_ID:Clang>:-Xclang> $<$<CXX_COMPILER_ID:Clang>:-fno-pch-timestamp>)
target_precompile_headers(SinterPrecompiled PRIVATE "${CMAKE_SOURCE_DIR}/cmake/Precompiled.h")

# sinter_library(NAME [NO_PCH] SOURCES ... [DEPENDS ...]): a static library facing MLIR.
function(sinter_library name)
  cmake_parse_arguments(ARG "NO_PCH" "" "SOURCES;DEPENDS;GENERATED" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_compile_options(${name} PRIVATE ${SINTER_MLIR_OPTIONS})
  if(NOT ARG_NO_PCH)
    target_compile_options(${name} PRIVATE $<$<CXX_COMPILER_ID:Clang>:-Xclang> $<$<CXX_COMPILER_ID:Clang>:-fno-pch-timestamp>)
    target_precompile_headers(${name} REUSE_FROM SinterPrecompiled)
  endif()
  target_link_libraries(${name} PUBLIC ${ARG_DEPENDS} MLIR LLVM)
  if(ARG_GENERATED)
    add_dependencies(${name} ${ARG_GENERATED})
  endif()
  # Every library sees every generated header of the dialects.
  get_property(generated GLOBAL PROPERTY SINTER_GENERATED)
  if(generated)
    add_dependencies(${name} ${generated})
  endif()
endfunction()

# sinter_tablegen(TARGET FILE.td OUTPUT.inc flags ... [OUTPUT.inc flags ...]): one target for all that a td file gives.
# Outputs lie in the build folder at the same relative path as the td file.
function(sinter_tablegen target td)
  set(LLVM_TARGET_DEFINITIONS ${td})
  set(TABLEGEN_OUTPUT)
  set(output "")
  set(flags "")
  foreach(word ${ARGN} END)
    if(word MATCHES "\\.(inc|md)$" OR word STREQUAL "END")
      if(output)
        mlir_tablegen(${output} ${flags} EXTRA_INCLUDES "${CMAKE_SOURCE_DIR}")
      endif()
      set(output ${word})
      set(flags "")
    else()
      list(APPEND flags ${word})
    endif()
  endforeach()
  add_custom_target(${target} DEPENDS ${TABLEGEN_OUTPUT})
  set_property(GLOBAL APPEND PROPERTY SINTER_GENERATED ${target})
endfunction()
