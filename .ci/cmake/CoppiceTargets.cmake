# coppice::kernels: the freestanding, header-only part (core views, kernels, sparse, audio).
add_library(coppice_kernels INTERFACE)
add_library(coppice::kernels ALIAS coppice_kernels)
set_target_properties(coppice_kernels PROPERTIES EXPORT_NAME kernels)
target_compile_features(coppice_kernels INTERFACE cxx_std_20)
target_include_directories(coppice_kernels INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

# Warnings and sanitizers of Coppice's own targets; never a consumer's.
add_library(coppice_build_flags INTERFACE)
# Contraction into FMA would make float results depend on the compiler.
target_compile_options(coppice_build_flags INTERFACE -Wall -Wextra -Wshadow -Wpedantic
  -ffp-contract=off $<$<BOOL:${COPPICE_WERROR}>:-Werror>
  # GCC 12 reports std::string's operator+ (GCC bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
if(COPPICE_SANITIZE)
  target_compile_options(coppice_build_flags INTERFACE
    -fsanitize=${COPPICE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all
    # Enough for line numbers in reports; more doubles the build.
    -O1 -g1
    # Checks by calls: written out, they make a minute of each large kernel file.
    $<$<CXX_COMPILER_ID:GNU>:--param=asan-instrumentation-with-call-threshold=0>)
  target_link_options(coppice_build_flags INTERFACE -fsanitize=${COPPICE_SANITIZE})
endif()

# coppice::coppice: the whole library. A file's folder is its place in the layer rule; its suffix
# is the instruction set it is compiled for.
file(GLOB_RECURSE COPPICE_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/*.cpp)
list(FILTER COPPICE_SOURCES EXCLUDE REGEX "/src/(cli|deploy/firmware)/")

# The firmware generator carries the freestanding headers and its own templates inside the binary.
include(CoppiceEmbed)
file(GLOB_RECURSE COPPICE_EMBEDDED CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}
  ${PROJECT_SOURCE_DIR}/include/coppice/core/*.h ${PROJECT_SOURCE_DIR}/include/coppice/kernels/*
  ${PROJECT_SOURCE_DIR}/include/coppice/sparse/* ${PROJECT_SOURCE_DIR}/include/coppice/audio/*
  ${PROJECT_SOURCE_DIR}/src/deploy/firmware/*)
coppice_embed(${PROJECT_BINARY_DIR}/embedded_files.cpp ${PROJECT_SOURCE_DIR} ${COPPICE_EMBEDDED})
list(APPEND COPPICE_SOURCES ${PROJECT_BINARY_DIR}/embedded_files.cpp)
add_library(coppice ${COPPICE_SOURCES})
add_library(coppice::coppice ALIAS coppice)
target_compile_definitions(coppice PRIVATE COPPICE_VERSION="${PROJECT_VERSION}")
target_include_directories(coppice PRIVATE ${PROJECT_SOURCE_DIR}/src)
target_include_directories(coppice SYSTEM PRIVATE ${COPPICE_RAPIDJSON_INCLUDE_DIR})
target_link_libraries(coppice
  PUBLIC coppice_kernels nlohmann_json::nlohmann_json Threads::Threads
  PRIVATE fmt::fmt SndFile::sndfile SampleRate::samplerate ZLIB::ZLIB PNG::PNG OpenSSL::Crypto
          $<BUILD_INTERFACE:Eigen3::Eigen> $<BUILD_INTERFACE:coppice_build_flags>)

include(CoppiceInstructionSets)
coppice_isa_flags(${COPPICE_SOURCES})

# Rooms that compute nothing: optimizing them further doubles their compile time and gains nothing.
# (io is not one of them: opening a model file is most of a cold start.)
set(COPPICE_QUICK_COMPILE $<$<CONFIG:Release>:-O1>)
foreach(source IN LISTS COPPICE_SOURCES)
  if(source MATCHES "/src/(deploy|sweep|report)/")
    set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS ${COPPICE_QUICK_COMPILE})
  endif()
endforeach()
