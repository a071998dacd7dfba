// SPDX-License-Identifier: Apache-2.0
#include "app/settings.hpp"

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>
#include <utility>

#include <sys/stat.h>

#include "app/settings_checks.hpp"
#include "app/settings_sources.hpp"
#include "app/settings_table.hpp"
#include "util/log_text.hpp"

namespace roomcast {

namespace {

constexpr std::size_t kMaxFileBytes = 1'048'576;

struct CloseFile {
    void operator()(std::FILE* file) const {
        (void)std::fclose(file);
    }  // read-only: nothing to lose
};

FileError system_error(int code) {
    return {code == ENOENT || code == ENOTDIR, std::generic_category().message(code)};
}

}  // namespace

KeySet JwtSettings::key_set() const {
    std::vector<VerificationKey> keys = public_keys;
    for (const std::string& one : {secret, previous_secret}) {
        if (!one.empty()) keys.push_back(VerificationKey::from_secret(one));
    }
    return KeySet(std::move(keys));
}

bool Settings::is_api_open() const {
    switch (api_auth) {
        case http::ApiAuth::required:
            return false;
        case http::ApiAuth::none:
            return true;
        case http::ApiAuth::automatic:
            break;
    }
    return api_keys.is_empty() && !jwt.is_on();
}

Outcome<std::string, FileError> read_small_file(const std::string& path) {
    const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "rbe"));
    if (!file) return system_error(errno);

    struct stat status {};

    if (::fstat(::fileno(file.get()), &status) == 0 && S_ISDIR(status.st_mode)) {
        return FileError{true, "is a folder"};
    }
    std::string text(kMaxFileBytes + 1, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file.get()));
    if (std::ferror(file.get())) return system_error(errno);
    if (text.size() > kMaxFileBytes) return FileError{false, "is larger than 1 MiB"};
    return text;
}

Outcome<LoadedSettings, SettingsError> load_settings(const SettingsInput& input) {
    LoadedSettings loaded;
    const auto sources = SettingSources::read(input, loaded.warnings);
    if (!sources) return sources.error();
    for (const SettingRow& row : settings_table()) {
        auto found = sources->find(row);
        if (!found) return found.error();
        SourcedText given = found->value_or(SourcedText{row.default_text, "default"});
        if (!given.text.empty()) {
            if (const Complaint complaint = row.assign(loaded.settings, given.text)) {
                const std::string problem =
                    complaint->empty() ? "allowed: " + row.allowed : *complaint;
                return SettingsError{name_setting(row, given) + ": " +
                                     log::escape_for_terminal(problem)};
            }
        }
        loaded.effective.push_back({&row, std::move(given.text), std::move(given.origin)});
    }
    work_out_defaults(loaded);
    if (auto error = check_together(loaded)) return std::move(*error);
    add_warnings(loaded);
    return loaded;
}

}  // namespace roomcast
