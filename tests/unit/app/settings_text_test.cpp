// SPDX-License-Identifier: Apache-2.0
// Settings for people: masked dumps and the reference page.
#include "app/settings_text.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/app/settings_fixture.hpp"

namespace roomcast {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

/// The file of the source tree in which this test was built; empty when there is none.
std::string read_source_file(const std::string& name) {
    // __FILE__ may be relative to the build's folder, which lies within the tree.
    for (auto folder : {std::filesystem::absolute(__FILE__), std::filesystem::current_path()}) {
        for (; folder != folder.root_path(); folder = folder.parent_path()) {
            if (!std::filesystem::exists(folder / "CMakePresets.json")) continue;
            std::ifstream file(folder / name);
            return std::string(std::istreambuf_iterator<char>(file), {});
        }
    }
    return {};
}

TEST(SettingsPageTest, IsTheOneThatThisBuildWrites) {
    EXPECT_EQ(read_source_file("docs/settings.md"), settings_markdown())
        << "write it anew: roomcast config --markdown > docs/settings.md";
}

TEST(SettingsPageTest, HasARowForEverySetting) {
    const std::string page = settings_markdown();
    const std::string help = settings_help();
    for (const SettingRow& row : settings_table()) {
        EXPECT_THAT(page, HasSubstr("\n| `" + row.variable + "` |"));
        EXPECT_THAT(help, HasSubstr("\n  " + flag_of(row.variable) + " VALUE\n"));
    }
}

TEST_F(SettingsTest, TheDumpShowsValuesAndWhereTheyComeFrom) {
    environment_ = {{"SHARDS", "3"}};
    files_[".env"] = "\nNODE_NAME=a b\n";
    const std::string dump = settings_dump(load_well());
    EXPECT_THAT(dump, ContainsRegex("\nSHARDS +3 +environment\n"));
    EXPECT_THAT(dump, ContainsRegex("\nNODE_NAME +a b +.env line 2\n"));
    EXPECT_THAT(dump, ContainsRegex("\nDRAIN_SECONDS +10 +default\n"));
    EXPECT_THAT(dump, ContainsRegex("\nMETRICS_ADDR +\\(the main listener\\) +default\n"));
}

TEST_F(SettingsTest, DumpsMaskEverySecret) {
    environment_ = {{"JWT_SECRET", kSecret},
                    {"JWT_SECRET_PREVIOUS", std::string("previous-") + kSecret},
                    {"API_KEYS", "ci:hunter2,ops:hunter3:admin"},
                    {"BROADCAST_RABBITMQ_URL", "amqp://u:hunter4@h"},
                    {"REDIS_PASSWORD", "hunter5"},
                    {"BROADCAST_MQ_PASSWORD", "hunter6"},
                    {"BROADCAST_KAFKA_SASL_PASSWORD", "hunter7"},
                    {"BROADCAST_NATS_URL", "nats://hunter8@h"}};
    const LoadedSettings loaded = load_well();
    for (const std::string& dump : {settings_dump(loaded), settings_json(loaded)}) {
        EXPECT_THAT(
            dump, AllOf(HasSubstr("********"), Not(HasSubstr("hunter")), Not(HasSubstr(kSecret))));
    }
}

TEST_F(SettingsTest, DumpsMaskPasswordsWithinUrlsAndEscapeControlCharacters) {
    const SettingRow& row = *find_setting("REDIS_ADDR").row;
    EXPECT_EQ(shown_value(row, "redis://u:p@ss@h:1/2"), "redis://********@h:1/2");
    EXPECT_EQ(shown_value(row, "redis://h/a@b"), "redis://********@b");
    EXPECT_EQ(shown_value(row, "a\x1b[2Jb"), "a\\x1b[2Jb");
}

TEST_F(SettingsTest, TheJsonDumpNamesValueAndOrigin) {
    environment_ = {{"SHARDS", "3"}};
    EXPECT_THAT(settings_json(load_well()),
                AllOf(testing::StartsWith("{\"SERVER_ADDR\":{\"value\":\":8080\","),
                      HasSubstr("\"SHARDS\":{\"value\":\"3\",\"origin\":\"environment\"}"),
                      testing::EndsWith("}}")));
}

}  // namespace
}  // namespace roomcast
