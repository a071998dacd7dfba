// SPDX-License-Identifier: Apache-2.0
// Beast itself, compiled once for the whole program: everywhere else its headers only declare
// (BOOST_BEAST_SEPARATE_COMPILATION). It stands here because this is the lowest folder that uses
// it; Asio, on which it rests, is in net/boost_libraries.cpp.
#include <boost/beast/src.hpp>
