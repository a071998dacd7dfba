# SPDX-License-Identifier: Apache-2.0
# Language, warnings, build types and sanitizers: the same for every target.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
    set(CMAKE_CXX_COMPILER_LAUNCHER
        ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
        ${CCACHE_PROGRAM})
endif()

set(CMAKE_CXX_FLAGS_DEV "-O1 -g1 -D_GLIBCXX_ASSERTIONS")
set(CMAKE_CXX_FLAGS_SANITIZE "-O1 -g1 -D_GLIBCXX_ASSERTIONS -fno-omit-frame-pointer")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -D_FORTIFY_SOURCE=2 -fstack-protector-strong")
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # A false find of g++ 12 in std::string's operator+ at -O2 (GCC bug 105651).
    string(APPEND CMAKE_CXX_FLAGS_RELEASE " -Wno-restrict")
endif()
set(CMAKE_EXE_LINKER_FLAGS_RELEASE "-pie -Wl,-z,relro,-z,now")

add_library(roomcast_options INTERFACE)
target_compile_options(
    roomcast_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor
                               -Woverloaded-virtual -Werror)
target_compile_definitions(roomcast_options INTERFACE BOOST_ASIO_NO_DEPRECATED
                                                      BOOST_ASIO_SEPARATE_COMPILATION
                                                      BOOST_BEAST_SEPARATE_COMPILATION
                                                      BOOST_ASIO_DISABLE_BOOST_COROUTINE)
if(ROOMCAST_SANITIZER)
    # The sanitizers' own code confuses this warning of g++ 12 (false finds inside the standard library).
    target_compile_options(roomcast_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
endif()
if(ROOMCAST_SANITIZER STREQUAL "address")
    target_compile_options(roomcast_options INTERFACE -fsanitize=address)
    target_link_options(roomcast_options INTERFACE -fsanitize=address,undefined)
elseif(ROOMCAST_SANITIZER STREQUAL "thread")
    # Asio's fences are unknown to ThreadSanitizer, which would report them.
    target_compile_options(roomcast_options INTERFACE -fsanitize=thread -Wno-tsan)
    target_compile_definitions(roomcast_options INTERFACE BOOST_ASIO_DISABLE_FENCED_BLOCK)
    target_link_options(roomcast_options INTERFACE -fsanitize=thread)
endif()
if(ROOMCAST_FUZZ)
    target_compile_options(roomcast_options INTERFACE -fsanitize=fuzzer-no-link,address,undefined
                                                      -fno-sanitize-recover=undefined)
    target_link_options(roomcast_options INTERFACE -fsanitize=address,undefined)
endif()
