# What the library links. Included by the build and by the installed package, where a static
# library's private dependencies are needed to link. An existing target wins, so that a parent
# project may bring its own.

# In the package a missing dependency makes find_package(coppice) fail as the caller asked
# (REQUIRED, QUIET); in the build it is an error.
macro(coppice_find_dependency target package)
  if(NOT TARGET ${target})
    if(DEFINED CMAKE_FIND_PACKAGE_NAME)
      find_package(${package} ${ARGN} QUIET)
    else()
      find_package(${package} ${ARGN} REQUIRED)
    endif()
    if(NOT TARGET ${target})
      list(APPEND coppice_MISSING ${package})
    endif()
  endif()
endmacro()

# Debian 12 ships no CMake package for these; make the target that upstream's own package defines.
macro(coppice_find_library target package header library)
  if(NOT TARGET ${target})
    find_package(${package} CONFIG QUIET)
  endif()
  if(NOT TARGET ${target})
    find_path(COPPICE_${package}_INCLUDE_DIR ${header})
    find_library(COPPICE_${package}_LIBRARY ${library})
    mark_as_advanced(COPPICE_${package}_INCLUDE_DIR COPPICE_${package}_LIBRARY)
    if(COPPICE_${package}_INCLUDE_DIR AND COPPICE_${package}_LIBRARY)
      add_library(${target} UNKNOWN IMPORTED)
      set_target_properties(${target} PROPERTIES
        IMPORTED_LOCATION ${COPPICE_${package}_LIBRARY}
        INTERFACE_INCLUDE_DIRECTORIES ${COPPICE_${package}_INCLUDE_DIR})
    else()
      list(APPEND coppice_MISSING ${package})
    endif()
  endif()
endmacro()

set(coppice_MISSING)
coppice_find_dependency(Threads::Threads Threads)
coppice_find_dependency(nlohmann_json::nlohmann_json nlohmann_json CONFIG)
coppice_find_dependency(fmt::fmt fmt CONFIG)
coppice_find_dependency(ZLIB::ZLIB ZLIB)
coppice_find_dependency(PNG::PNG PNG)
coppice_find_dependency(OpenSSL::Crypto OpenSSL COMPONENTS Crypto)
coppice_find_library(SndFile::sndfile SndFile sndfile.h sndfile)
coppice_find_library(SampleRate::samplerate SampleRate samplerate.h samplerate)
if(coppice_MISSING AND NOT DEFINED CMAKE_FIND_PACKAGE_NAME)
  message(FATAL_ERROR "Coppice needs these libraries, which were not found: ${coppice_MISSING}")
endif()
