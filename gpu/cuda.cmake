# The GPU room: with nvcc its kernels and tables, else none.c.  What it needs of NVIDIA's it finds at run time, so that one
# program serves machines with and without a GPU.
option(BELLWETHER_CUDA "Build for NVIDIA GPUs as well: needs nvcc" OFF)
set(BELLWETHER_CUDA_TOOLKIT "" CACHE PATH "Where bin/nvcc lies; empty: $CUDA_HOME, /usr/local/cuda, Python's packages")

if(NOT BELLWETHER_CUDA)
  add_library(gpu STATIC gpu/none.c)
  target_link_libraries(gpu PUBLIC base)
  return()
endif()

# A toolkit may come as Python's packages too: nvidia-cuda-nvcc, nvidia-nvvm, nvidia-cuda-crt, nvidia-cuda-runtime and
# nvidia-cuda-cccl put one into site-packages/nvidia/cu13.
execute_process(COMMAND python3 -c "import sysconfig; print(sysconfig.get_path('purelib'))"
                OUTPUT_VARIABLE packages OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
find_program(BELLWETHER_NVCC nvcc HINTS ${BELLWETHER_CUDA_TOOLKIT}/bin $ENV{CUDA_HOME}/bin /usr/local/cuda/bin
                                        ${packages}/nvidia/cu13/bin)
if(NOT BELLWETHER_NVCC)
  message(FATAL_ERROR "BELLWETHER_CUDA needs nvcc, which is not found: set BELLWETHER_CUDA_TOOLKIT, or build without")
endif()

# Machine code for the generations that have bfloat16 tensor cores, and PTX that the driver compiles for later ones.
set(architectures)
foreach(number 80 86 89 90)
  list(APPEND architectures -gencode arch=compute_${number},code=sm_${number})
endforeach()
list(APPEND architectures -gencode arch=compute_90,code=compute_90)

set(image ${CMAKE_BINARY_DIR}/kernels.fatbin)
file(GLOB kernel_files CONFIGURE_DEPENDS gpu/kernels/*)
list(JOIN architectures " " architectures)
add_custom_command(
  OUTPUT ${image}
  COMMAND sh -c "'${BELLWETHER_NVCC}' -fatbin -std=c++17 -O3 -Xptxas -v ${architectures} -I '${CMAKE_SOURCE_DIR}' \
                 '${CMAKE_SOURCE_DIR}/gpu/kernels/kernels.cu' -o '${image}' >kernels.log 2>&1 || { cat kernels.log; exit 1; }"
  WORKING_DIRECTORY ${CMAKE_BINARY_DIR} DEPENDS ${kernel_files} VERBATIM COMMENT "Compiling the kernels of gpu/")

file(GLOB sources CONFIGURE_DEPENDS gpu/*.c)
list(REMOVE_ITEM sources ${CMAKE_SOURCE_DIR}/gpu/none.c)
add_library(gpu STATIC ${sources})
set_source_files_properties(gpu/image.c PROPERTIES COMPILE_DEFINITIONS "GPU_KERNELS_FILE=\"${image}\""
                                                   OBJECT_DEPENDS ${image})
target_link_libraries(gpu PUBLIC base ${CMAKE_DL_LIBS})
