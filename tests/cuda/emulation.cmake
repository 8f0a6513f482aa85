# The GPU room over an emulation of CUDA: its kernels as C++, its host's code as it is.  It stands in for the library `gpu`
# in the tests that are named here: those of the room alone, and those of the model over it.
set(tests_of_gpu gpu_attention gpu_fragments gpu_ops)
set(tests_of_gpu_and_model gpu_agreement gpu_encoder gpu_faults gpu_several gpu_shipped)

include(CheckLanguage)
if(CMAKE_C_COMPILER_ID STREQUAL "Clang" AND NOT CMAKE_CXX_COMPILER)
  string(REGEX REPLACE "clang([^/]*)$" "clang++\\1" CMAKE_CXX_COMPILER "${CMAKE_C_COMPILER}")
endif()
check_language(CXX)
if(NOT CMAKE_CXX_COMPILER)
  add_library(gpu_emulated OBJECT tests/cuda/without_cxx.c)
  return()
endif()
enable_language(CXX)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "${CMAKE_C_FLAGS_RELWITHDEBINFO}")

file(GLOB emulated CONFIGURE_DEPENDS gpu/*.c tests/cuda/*.c tests/cuda/*.cpp)
list(REMOVE_ITEM emulated ${CMAKE_SOURCE_DIR}/gpu/none.c ${CMAKE_SOURCE_DIR}/gpu/load.c ${CMAKE_SOURCE_DIR}/gpu/image.c
     ${CMAKE_SOURCE_DIR}/tests/cuda/without_cxx.c ${CMAKE_SOURCE_DIR}/tests/cuda/check_declarations.c)
add_library(gpu_emulated OBJECT ${emulated})
target_include_directories(gpu_emulated PRIVATE tests/cuda/include)
target_compile_options(gpu_emulated PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wno-unknown-pragmas>
                                            $<$<COMPILE_LANG_AND_ID:CXX,Clang>:-Wno-pass-failed>)
set_source_files_properties(tests/cuda/cublas.c PROPERTIES COMPILE_OPTIONS "-O3")
if(BELLWETHER_SANITIZE STREQUAL "thread")
  set_source_files_properties(tests/cuda/fibres.c PROPERTIES COMPILE_OPTIONS "-fno-sanitize=thread"
                                                             COMPILE_DEFINITIONS EMULATE_WITH_TSAN)
endif()
