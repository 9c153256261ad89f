# Flags of the instruction sets that a source's name may end in.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  # Tuned for the first processor that had the instructions. GCC's generic tuning spills general
  # registers into vector registers, through the pipes that should multiply.
  set(COPPICE_FLAGS_sse41 -msse4.1)
  set(COPPICE_FLAGS_avx2 -mavx2 -mfma -mf16c -mbmi2 -mtune=haswell)
  set(COPPICE_FLAGS_avxvnni ${COPPICE_FLAGS_avx2} -mavxvnni)
  set(COPPICE_FLAGS_avx512 ${COPPICE_FLAGS_avx2} -mavx512f -mavx512bw -mavx512dq -mavx512vl
    -mtune=icelake-server)
  set(COPPICE_FLAGS_avx512vnni ${COPPICE_FLAGS_avx512} -mavx512vnni -mavx512vbmi)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(COPPICE_FLAGS_neon "")  # Always there.
  set(COPPICE_FLAGS_neondot -march=armv8.2-a+dotprod)
endif()

# coppice_isa_flags(SOURCE...): compiles files named *_<isa>.cpp for that instruction set, or not at
# all on another architecture.
function(coppice_isa_flags)
  foreach(isa sse41 avx2 avxvnni avx512 avx512vnni neon neondot)
    foreach(source IN LISTS ARGN)
      if(source MATCHES "_${isa}\\.cpp$")
        if(DEFINED COPPICE_FLAGS_${isa})
          set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${COPPICE_FLAGS_${isa}}")
        else()
          set_source_files_properties(${source} PROPERTIES HEADER_FILE_ONLY ON)
        endif()
      endif()
    endforeach()
  endforeach()
endfunction()
