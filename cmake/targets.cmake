# SPDX-License-Identifier: Apache-2.0
# How a folder becomes a library, and how its includes are held to the arrows of
# docs/architecture.md.

# roomcast_library(NAME [BOOST] SEES lib... [PUBLIC dep...] [PRIVATE dep...])
#
# Makes the library roomcast_NAME of every .cpp in src/NAME. SEES names the folders that
# its files may include from; the build fails on any other. BOOST marks a folder whose sources
# include Asio or Beast: those are left out of UBSan, which triples their compile time.
function(roomcast_library name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "BOOST" "" "SEES;PUBLIC;PRIVATE")
    file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/${name}/*.cpp")
    if(sources)
        add_library(roomcast_${name} STATIC ${sources})
        set(scope PUBLIC)
        target_link_libraries(roomcast_${name} PRIVATE ${arg_PRIVATE})
        roomcast_undefined_sanitizer(roomcast_${name} "${arg_BOOST}")
    else()
        add_library(roomcast_${name} INTERFACE)
        set(scope INTERFACE)
    endif()
    target_include_directories(roomcast_${name} ${scope} "${CMAKE_SOURCE_DIR}/src")
    target_link_libraries(roomcast_${name} ${scope} roomcast_options Boost::headers ${arg_PUBLIC})
    foreach(seen IN LISTS arg_SEES)
        target_link_libraries(roomcast_${name} ${scope} roomcast_${seen})
    endforeach()
    set_property(GLOBAL APPEND PROPERTY ROOMCAST_INCLUDE_RULES "${name}=${name},${arg_SEES}")
endfunction()

# Adds UBSan to a target of the asan preset, unless it includes Boost.Asio or Beast.
function(roomcast_undefined_sanitizer target is_boost)
    if(ROOMCAST_SANITIZER STREQUAL "address" AND NOT is_boost)
        target_compile_options(${target} PRIVATE -fsanitize=undefined
                                                 -fno-sanitize-recover=undefined)
    endif()
endfunction()

# Adds a step to every build that checks each folder's includes against its SEES list.
function(roomcast_check_includes)
    get_property(rules GLOBAL PROPERTY ROOMCAST_INCLUDE_RULES)
    string(REPLACE ";" "," rules "${rules}")
    string(REGEX REPLACE ",([a-z]+=)" " \\1" rules "${rules}")
    add_custom_target(
        include_directions ALL
        COMMAND ${CMAKE_COMMAND} "-DRULES=${rules}" "-DSOURCE=${CMAKE_SOURCE_DIR}/src" -P
                "${CMAKE_SOURCE_DIR}/cmake/check_includes.cmake"
        VERBATIM)
endfunction()

# roomcast_test(NAME [BOOST] SOURCES glob... LINKS target... [LABELS label...] [FILTER filter])
#
# One GoogleTest program; each of its tests is a CTest test, or each that FILTER lets pass.
function(roomcast_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "BOOST" "TIMEOUT;FILTER" "SOURCES;LINKS;LABELS")
    file(GLOB sources CONFIGURE_DEPENDS ${arg_SOURCES})
    if(NOT sources)
        return()
    endif()
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 60)
    endif()
    add_executable(${name} ${sources})
    target_link_libraries(${name} PRIVATE ${arg_LINKS} roomcast_options GTest::gmock
                                          GTest::gtest_main)
    target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}" "${CMAKE_SOURCE_DIR}/src")
    roomcast_undefined_sanitizer(${name} "${arg_BOOST}")
    gtest_discover_tests(${name} TEST_PREFIX "${name}: " TEST_FILTER "${arg_FILTER}" PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS
                         "${arg_LABELS}" DISCOVERY_TIMEOUT 60)
endfunction()

# Adds the target header_check, outside of the ordinary build: compiles each header of src/ alone.
function(roomcast_check_headers)
    file(GLOB headers CONFIGURE_DEPENDS RELATIVE "${CMAKE_SOURCE_DIR}/src"
         "${CMAKE_SOURCE_DIR}/src/*/*.hpp")
    set(sources "")
    foreach(header IN LISTS headers)
        string(REPLACE "/" "_" name "${header}")
        set(source "${CMAKE_BINARY_DIR}/header_check/${name}.cpp")
        file(CONFIGURE OUTPUT "${source}" CONTENT "#include \"${header}\"\n")
        list(APPEND sources "${source}")
    endforeach()
    add_library(header_check OBJECT EXCLUDE_FROM_ALL ${sources})
    target_link_libraries(header_check PRIVATE roomcast_app)
    target_compile_options(header_check PRIVATE -O0)
endfunction()
