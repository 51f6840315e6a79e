# The families of processors: one folder of targets/ each, found by its family.cmake.

# sinter_family(NAME ARCH LOADER SOURCES file...): declares the family of the folder NAME. Its sources define
# sinter::NAME::family() (targets/Family.h); ARCH is the processor's name in a triple, for which the runtime is compiled.
# The runtime asks the folder's processor.h of the processor. The runner that tests start (runtime/runner) begins in the
# folder's start.S and names the dynamic LOADER.
function(sinter_family name arch loader)
  cmake_parse_arguments(ARG "" "" "SOURCES" ${ARGN})
  set_property(GLOBAL APPEND PROPERTY SINTER_FAMILIES ${name})
  set_property(GLOBAL APPEND PROPERTY SINTER_ARCHES ${arch})
  set_property(GLOBAL PROPERTY SINTER_FAMILY_FOLDER_${arch} "${CMAKE_SOURCE_DIR}/targets/${name}")
  set_property(GLOBAL PROPERTY SINTER_LOADER_${arch} ${loader})
  list(TRANSFORM ARG_SOURCES PREPEND "${CMAKE_SOURCE_DIR}/targets/${name}/")
  set_property(GLOBAL APPEND PROPERTY SINTER_FAMILY_SOURCES ${ARG_SOURCES})
endfunction()

# sinter_devices(NAME SOURCES file...): declares the devices of the folder NAME. Its sources define sinter::NAME::devices().
function(sinter_devices name)
  cmake_parse_arguments(ARG "" "" "SOURCES" ${ARGN})
  set_property(GLOBAL APPEND PROPERTY SINTER_DEVICES ${name})
  list(TRANSFORM ARG_SOURCES PREPEND "${CMAKE_SOURCE_DIR}/targets/${name}/")
  set_property(GLOBAL APPEND PROPERTY SINTER_FAMILY_SOURCES ${ARG_SOURCES})
endfunction()

# sinter_generate(FILE TEXT): writes the file when the text is another than before.
function(sinter_generate file text)
  file(CONFIGURE OUTPUT "${file}" CONTENT "${text}" @ONLY)
endfunction()

file(GLOB families CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/targets/*/family.cmake" "${CMAKE_SOURCE_DIR}/targets/*/device.cmake")
foreach(family ${families})
  include("${family}")
endforeach()
get_property(SINTER_FAMILIES GLOBAL PROPERTY SINTER_FAMILIES)
get_property(SINTER_DEVICES GLOBAL PROPERTY SINTER_DEVICES)
get_property(SINTER_ARCHES GLOBAL PROPERTY SINTER_ARCHES)
get_property(SINTER_FAMILY_SOURCES GLOBAL PROPERTY SINTER_FAMILY_SOURCES)

set(text "")
foreach(family ${SINTER_FAMILIES})
  string(APPEND text "SINTER_FAMILY(${family})\n")
endforeach()
sinter_generate("${CMAKE_BINARY_DIR}/targets/Families.inc" "${text}")

set(text "")
foreach(device ${SINTER_DEVICES})
  string(APPEND text "SINTER_DEVICES(${device})\n")
endforeach()
sinter_generate("${CMAKE_BINARY_DIR}/targets/Devices.inc" "${text}")
