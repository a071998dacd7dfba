// SPDX-License-Identifier: Apache-2.0
// Asio itself, compiled once for the whole program: everywhere else its headers only declare
// (BOOST_ASIO_SEPARATE_COMPILATION). It stands here because this is the lowest folder that uses it.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
