// SPDX-License-Identifier: Apache-2.0
// Asio and Beast themselves, compiled once for the whole program: everywhere else their headers
// only declare (BOOST_ASIO_SEPARATE_COMPILATION, BOOST_BEAST_SEPARATE_COMPILATION). It stands here
// because this is the lowest folder that uses them.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
