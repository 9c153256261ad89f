# Components: development (headers, library, CMake package) and tools (the coppice command).
include(CMakePackageConfigHelpers)
set(COPPICE_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/coppice)

# Two export sets, so that the freestanding part can be used without the library's dependencies.
install(TARGETS coppice_kernels EXPORT coppiceKernelsTargets COMPONENT development)
install(TARGETS coppice EXPORT coppiceTargets
  ARCHIVE COMPONENT development LIBRARY COMPONENT development RUNTIME COMPONENT development)
install(EXPORT coppiceKernelsTargets NAMESPACE coppice:: DESTINATION ${COPPICE_PACKAGE_DIR}
  COMPONENT development)
install(EXPORT coppiceTargets NAMESPACE coppice:: DESTINATION ${COPPICE_PACKAGE_DIR}
  COMPONENT development)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/coppice DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  COMPONENT development)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR}
  COMPONENT development)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/coppiceConfig.cmake.in
  ${PROJECT_BINARY_DIR}/coppiceConfig.cmake INSTALL_DESTINATION ${COPPICE_PACKAGE_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/coppiceConfigVersion.cmake
  VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/coppiceConfig.cmake
  ${PROJECT_BINARY_DIR}/coppiceConfigVersion.cmake
  ${CMAKE_CURRENT_LIST_DIR}/CoppiceDependencies.cmake DESTINATION ${COPPICE_PACKAGE_DIR}
  COMPONENT development)

if(TARGET coppice_tool)
  install(TARGETS coppice_tool RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT tools)
endif()
