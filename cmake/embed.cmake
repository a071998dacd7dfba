# SPDX-License-Identifier: Apache-2.0
# Builds files into a target, as C++ arrays made by CMake alone: no other tool, no path at run time.
#
# roomcast_embed(TARGET ACCESSOR name HEADER header ROOT folder FILES path=file...)
#
# Adds a generated source to TARGET that defines `std::span<const WebAsset> roomcast::ACCESSOR()`,
# declared by HEADER. Each entry of FILES is the path that a browser asks for and a file below ROOT.
# The source is made again when one of the files changes. Any bytes are carried, NUL included.
#
# The same file is the script that the build runs (`cmake -P`): see the second half.

if(NOT CMAKE_SCRIPT_MODE_FILE)
    set(ROOMCAST_EMBED_SCRIPT "${CMAKE_CURRENT_LIST_FILE}")

    function(roomcast_embed target)
        cmake_parse_arguments(PARSE_ARGV 1 arg "" "ACCESSOR;HEADER;ROOT" "FILES")
        set(output "${CMAKE_CURRENT_BINARY_DIR}/${arg_ACCESSOR}.generated.cpp")
        set(inputs "")
        foreach(entry IN LISTS arg_FILES)
            string(REGEX REPLACE "^[^=]*=" "${arg_ROOT}/" input "${entry}")
            list(APPEND inputs "${input}")
        endforeach()
        string(REPLACE ";" "," entries "${arg_FILES}")
        add_custom_command(
            OUTPUT "${output}"
            COMMAND
                ${CMAKE_COMMAND} "-DOUTPUT=${output}" "-DACCESSOR=${arg_ACCESSOR}"
                "-DHEADER=${arg_HEADER}" "-DROOT=${arg_ROOT}" "-DENTRIES=${entries}" -P
                "${ROOMCAST_EMBED_SCRIPT}"
            DEPENDS ${inputs} "${ROOMCAST_EMBED_SCRIPT}"
            COMMENT "Embedding ${arg_ROOT}"
            VERBATIM)
        target_sources(${target} PRIVATE "${output}")
    endfunction()
    return()
endif()

cmake_minimum_required(VERSION 3.25)

# The media type for a file name, by its ending.
function(content_type file result)
    get_filename_component(ending "${file}" LAST_EXT)
    set(type_of_.html "text/html; charset=utf-8")
    set(type_of_.css "text/css; charset=utf-8")
    set(type_of_.js "text/javascript; charset=utf-8")
    set(type_of_.svg "image/svg+xml")
    set(type_of_.json "application/json")
    set(type_of_.png "image/png")
    if(NOT DEFINED type_of_${ending})
        message(FATAL_ERROR "embed.cmake: no content type for ${file}")
    endif()
    set(${result} "${type_of_${ending}}" PARENT_SCOPE)
endfunction()

set(arrays "")
set(table "")
set(number 0)
string(REPLACE "," ";" ENTRIES "${ENTRIES}")
foreach(entry IN LISTS ENTRIES)
    string(REGEX MATCH "^([^=]+)=(.+)$" _ "${entry}")
    set(path "${CMAKE_MATCH_1}")
    set(file "${ROOT}/${CMAKE_MATCH_2}")
    content_type("${file}" type)
    file(SHA256 "${file}" digest)
    string(SUBSTRING "${digest}" 0 16 etag)
    # Read as hexadecimal text: CMake's own strings would lose NUL, ';' and '['. A char literal for
    # each byte is no narrowing conversion, whatever the sign of char.
    file(READ "${file}" bytes HEX)
    string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${bytes}")
    string(REPEAT "......." 16 row) # the regular expressions of CMake know no {16}
    string(REGEX REPLACE "(${row})" "\\1\n    " bytes "${bytes}")
    # The closing NUL is not part of the asset; an empty file still needs an array of one.
    string(APPEND arrays "constexpr char kBytes${number}[] = {\n    ${bytes}'\\0'};\n\n")
    string(APPEND table "    {\"${path}\", \"${type}\", R\"(\"${etag}\")\",\n"
                        "     std::string_view{kBytes${number}, sizeof kBytes${number} - 1}},\n")
    math(EXPR number "${number} + 1")
endforeach()

file(WRITE "${OUTPUT}" "// Made by cmake/embed.cmake: do not edit.
#include \"${HEADER}\"

namespace roomcast {
namespace {

${arrays}constexpr WebAsset kAssets[] = {
${table}};

}  // namespace

std::span<const WebAsset> ${ACCESSOR}() { return kAssets; }

}  // namespace roomcast
")
