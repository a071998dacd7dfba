# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where, and the Debian package (script/package) made of that.
include(GNUInstallDirs)
set(deploy "${CMAKE_SOURCE_DIR}/deploy")
set(packaging "${CMAKE_BINARY_DIR}/packaging")

# roomcast_compressed(FROM TO): a file of the package that Debian wants compressed. -n keeps the time
# out, so that the same sources give the same bytes.
function(roomcast_compressed from to)
    cmake_path(GET to PARENT_PATH folder)
    add_custom_command(
        OUTPUT "${to}.gz"
        COMMAND ${CMAKE_COMMAND} -E make_directory "${folder}"
        COMMAND ${CMAKE_COMMAND} -E copy "${from}" "${to}"
        COMMAND gzip -9nf "${to}"
        DEPENDS "${from}"
        VERBATIM)
    set_property(GLOBAL APPEND PROPERTY ROOMCAST_COMPRESSED "${to}.gz")
endfunction()

set(ROOMCAST_PACKAGER "The roomcast maintainers <roomcast@localhost>"
    CACHE STRING "Who makes the package, as 'Name <address>'")
string(TIMESTAMP package_date "%a, %d %b %Y %H:%M:%S +0000" UTC)  # SOURCE_DATE_EPOCH, if it is set
configure_file("${deploy}/debian/changelog.in" "${packaging}/changelog.Debian.in" @ONLY)

roomcast_compressed("${deploy}/roomcast.1" "${packaging}/roomcast.1")
roomcast_compressed("${CMAKE_SOURCE_DIR}/CHANGELOG.md" "${packaging}/changelog")
roomcast_compressed("${packaging}/changelog.Debian.in" "${packaging}/changelog.Debian")
get_property(compressed GLOBAL PROPERTY ROOMCAST_COMPRESSED)
add_custom_target(packaging ALL DEPENDS ${compressed})

install(TARGETS roomcast RUNTIME)
install(FILES "${packaging}/roomcast.1.gz" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
install(FILES "${packaging}/changelog.gz" "${packaging}/changelog.Debian.gz"
              "${deploy}/debian/copyright" DESTINATION "share/doc/roomcast")
install(FILES "${deploy}/debian/lintian-overrides" DESTINATION "share/lintian/overrides"
        RENAME roomcast)
install(FILES "${deploy}/roomcast.service" DESTINATION "lib/systemd/system")
# It may hold secrets: for root alone, as which systemd reads it.
install(FILES "${deploy}/roomcast.env" DESTINATION /etc/roomcast PERMISSIONS OWNER_READ OWNER_WRITE)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME roomcast)
set(CPACK_PACKAGE_CONTACT "${ROOMCAST_PACKAGER}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "self-hosted realtime server for WebSocket clients")
set(CPACK_PACKAGE_DESCRIPTION
    "Clients connect over WebSocket, subscribe to channels, broadcast messages to
everyone on a channel and share presence: who is there, with what state.
Backends publish over HTTP. One process needs nothing else; several, on one
or more machines, are one server when they share a Redis.
.
The service is installed, but neither enabled nor started.")
# Below a folder of its own, the absolute path above too.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# For outgoing TLS: JWKS and Redis.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    "${deploy}/debian/conffiles;${deploy}/debian/postinst;${deploy}/debian/prerm;${deploy}/debian/postrm")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
