// SPDX-License-Identifier: Apache-2.0
// A certificate for a server under test.
#pragma once

#include <stdexcept>
#include <string>

#include "tests/support/child_process.hpp"

namespace roomcast::test {

struct TestCertificate {
    std::string certificate_file;  // PEM; signed by itself: also what a client must trust
    std::string key_file;
};

/// Makes one in `dir`, good for `names`.
[[nodiscard]] inline TestCertificate make_test_certificate(
    const TempDir& dir, const std::string& names = "DNS:localhost,IP:127.0.0.1") {
    const auto openssl = find_program("openssl");
    if (!openssl) throw std::runtime_error("openssl is not installed");
    TestCertificate made{.certificate_file = dir.file("cert.pem"), .key_file = dir.file("key.pem")};
    run_program({openssl->string(),
                 "req",
                 "-x509",
                 "-newkey",
                 "ec",
                 "-pkeyopt",
                 "ec_paramgen_curve:P-256",
                 "-nodes",
                 "-days",
                 "2",
                 "-subj",
                 "/CN=test",
                 "-addext",
                 "subjectAltName=" + names,
                 "-keyout",
                 made.key_file,
                 "-out",
                 made.certificate_file},
                dir.file("openssl.log"));
    return made;
}

}  // namespace roomcast::test
