// SPDX-License-Identifier: Apache-2.0
// Settings from sources that a test makes up.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "app/settings.hpp"

namespace roomcast {

/// Flags, environment and files of one imagined start.
class SettingsTest : public testing::Test {
protected:
    using Variables = std::map<std::string, std::string, std::less<>>;

    Variables flags_;
    Variables environment_;
    std::map<std::string, std::string> files_;
    std::string config_path_;

    FileReader file_reader() {
        return [this](const std::string& path) -> Outcome<std::string, FileError> {
            const auto file = files_.find(path);
            if (file == files_.end()) return FileError{true, "No such file or directory"};
            if (file->second == kUnreadable) return FileError{false, "Permission denied"};
            return file->second;
        };
    }

    /// The environment as `environ` spells it; valid until the next call.
    const char* const* environ_block() {
        lines_.clear();
        pointers_.clear();
        for (const auto& [name, value] : environment_)
            lines_.push_back(name + "=" + value);
        for (const std::string& line : lines_)
            pointers_.push_back(line.c_str());
        pointers_.push_back(nullptr);
        return pointers_.data();
    }

    Outcome<LoadedSettings, SettingsError> load() {
        return load_settings({.flags = flags_,
                              .environment = environ_block(),
                              .config_path = config_path_,
                              .read_file = file_reader()});
    }

    LoadedSettings load_well() {
        auto loaded = load();
        EXPECT_TRUE(loaded) << loaded.error().message;
        return loaded ? std::move(*loaded) : LoadedSettings();
    }

    /// The message with which the start is refused; empty when it is not.
    std::string refusal() {
        const auto loaded = load();
        return loaded ? std::string() : loaded.error().message;
    }

    static constexpr const char* kUnreadable = "\1unreadable";
    static constexpr const char* kSecret = "0123456789abcdef0123456789abcdef";

private:
    std::vector<std::string> lines_;
    std::vector<const char*> pointers_;
};

}  // namespace roomcast
