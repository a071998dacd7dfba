# SPDX-License-Identifier: Apache-2.0
# Libraries, all from the distribution's packages (script/bootstrap installs them).
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED) # headers only
find_package(OpenSSL 3.0 REQUIRED)
find_package(simdjson 3.0 CONFIG REQUIRED)
find_package(fmt CONFIG REQUIRED)
find_package(spdlog 1.10 CONFIG REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(tomlplusplus REQUIRED IMPORTED_TARGET tomlplusplus>=3.3)
pkg_check_modules(liburing REQUIRED IMPORTED_TARGET liburing>=2.1)
