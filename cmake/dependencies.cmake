# SPDX-License-Identifier: Apache-2.0
# Libraries, all from the distribution's packages (script/bootstrap installs them).
find_package(Threads REQUIRED)
find_package(Boost 1.81 CONFIG REQUIRED) # headers only
find_package(OpenSSL 3.0 REQUIRED)
find_package(ZLIB 1.2.11 REQUIRED)
find_package(simdjson CONFIG REQUIRED) # its file takes 3.12 for incompatible with 3.0
if(simdjson_VERSION VERSION_LESS 3.0)
    message(FATAL_ERROR "simdjson ${simdjson_VERSION} is too old: 3.0 is the first that will do")
endif()
find_package(fmt CONFIG REQUIRED)
find_package(spdlog 1.10 CONFIG REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(tomlplusplus REQUIRED IMPORTED_TARGET tomlplusplus>=3.3)
pkg_check_modules(liburing REQUIRED IMPORTED_TARGET liburing>=2.1)
pkg_check_modules(rabbitmq REQUIRED IMPORTED_TARGET librabbitmq>=0.11)
pkg_check_modules(cnats REQUIRED IMPORTED_TARGET libnats>=3.4) # its own CMake files ask for a static library
pkg_check_modules(rdkafka REQUIRED IMPORTED_TARGET rdkafka>=2.0)
