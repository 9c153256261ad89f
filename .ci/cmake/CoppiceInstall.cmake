include(CMakePackageConfigHelpers)
install(TARGETS coppice coppice_kernels EXPORT coppiceTargets)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/coppice DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(TARGET coppice_tool)
  install(TARGETS coppice_tool RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
set(COPPICE_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/coppice)
install(EXPORT coppiceTargets NAMESPACE coppice:: DESTINATION ${COPPICE_PACKAGE_DIR})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/coppiceConfig.cmake.in
  ${PROJECT_BINARY_DIR}/coppiceConfig.cmake INSTALL_DESTINATION ${COPPICE_PACKAGE_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/coppiceConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/coppiceConfig.cmake
  ${PROJECT_BINARY_DIR}/coppiceConfigVersion.cmake
  ${CMAKE_CURRENT_LIST_DIR}/CoppiceDependencies.cmake DESTINATION ${COPPICE_PACKAGE_DIR})
