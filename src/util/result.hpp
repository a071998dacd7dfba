// SPDX-License-Identifier: Apache-2.0
// The type of an operation that is expected to fail now and then: a value or an error, never both.
#pragma once

#include <boost/system/result.hpp>

namespace roomcast {

/// A `T`, or an `E` that says why there is none. Folders above `model` use Result<T>, whose error
/// is an Errc; codecs have error types of their own.
template <class T, class E>
using Outcome = boost::system::result<T, E>;

}  // namespace roomcast
